// The schema, version by version. A version that has been released is never edited: add the next one.
import type { Database } from "./database.ts"

/** Each entry moves the schema up by one version, inside one transaction. */
export const MIGRATIONS: readonly string[] = [
  `
  create table keys (
    id text primary key,
    name text not null,
    hash text not null unique,             -- sha256 of the key; the key itself is shown once and never kept
    webhook_secret text not null,
    concurrency int not null,              -- jobs at once
    backlog int not null,                  -- jobs waiting
    rate int not null,                     -- submits per minute
    created_at timestamptz not null,
    revoked_at timestamptz
  );

  create sequence job_rank;
  create table jobs (
    id uuid primary key,
    key_id text not null references keys (id),
    state text not null check (state in ('backlogged','queued','scheduled','processing','sampling',
                                         'completed','failed','cancelled')),
    model text not null,
    prompt text not null,
    request jsonb not null,                -- canonical; pictures as blob:<sha256>
    pictures int not null,
    dialect text not null,
    raw jsonb,
    client_id text,
    priority int not null default 0,
    rank double precision not null default nextval('job_rank'),
    tries int not null default 0,
    worker text,
    deadline_at timestamptz,
    keep_seconds double precision,         -- null keeps the pictures for good
    webhook jsonb,
    error jsonb,
    outcome jsonb,
    favourite boolean not null default false,
    created_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    deleted_at timestamptz
  );
  create index jobs_waiting on jobs (key_id, priority desc, rank) where state in ('backlogged','queued');
  create index jobs_running on jobs (worker) where state in ('scheduled','processing','sampling');
  create index jobs_history on jobs (key_id, created_at desc, id desc);
  create index jobs_deadline on jobs (deadline_at)
    where deadline_at is not null and state in ('backlogged','queued','scheduled','processing','sampling');

  create table pictures (
    id uuid primary key,
    job_id uuid not null references jobs (id),
    place int not null,
    seed bigint not null,
    width int not null,
    height int not null,
    format text not null,
    hash text not null,
    bytes int not null,
    favourite boolean not null default false,
    created_at timestamptz not null,
    expires_at timestamptz,
    expired boolean not null default false,
    deleted_at timestamptz,
    unique (job_id, place)
  );
  create index pictures_expiry on pictures (expires_at) where expires_at is not null and not expired;
  create index pictures_hash on pictures (hash);

  create table lineage (
    job_id uuid not null references jobs (id),
    picture_id uuid not null,
    role text not null,
    primary key (job_id, picture_id, role)
  );
  create index lineage_picture on lineage (picture_id);

  -- Append-only. The cursor is (xid, seq): seq alone is handed out before commit, so a reader could step
  -- over a number that commits later; ordered by transaction and read below the oldest running one, it cannot.
  create table job_events (
    seq bigserial primary key,
    xid bigint not null default (pg_current_xact_id()::text::bigint),
    job_id uuid,
    key_id text not null,
    kind text not null,
    data jsonb not null,
    at timestamptz not null
  );
  create index job_events_order on job_events (xid, seq);
  create index job_events_job on job_events (job_id, seq);

  create table idempotency (
    key_id text not null,
    client_id text not null,
    body_hash text not null,
    job_id uuid not null,
    created_at timestamptz not null,
    primary key (key_id, client_id)
  );
  create index idempotency_age on idempotency (created_at);

  create table assets (
    id uuid primary key,
    key_id text not null references keys (id),
    kind text not null check (kind in ('upload','input')),  -- inputs arrive inside requests and are not listed
    hash text not null,
    mime text not null,
    width int not null,
    height int not null,
    bytes int not null,
    name text,
    description text,
    created_at timestamptz not null,
    deleted_at timestamptz
  );
  create index assets_hash on assets (hash);
  create index assets_history on assets (key_id, created_at desc, id desc);

  create table boards (
    id uuid primary key,
    key_id text not null references keys (id),
    name text not null,
    code text not null unique,
    pictures jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz
  );

  create table webhooks (
    id uuid primary key,                   -- the event id, the same over every retry
    job_id uuid not null references jobs (id),
    key_id text not null,
    url text not null,
    envelope text not null,
    place int,                             -- the picture, for envelopes that send one message each
    body text,
    state text not null check (state in ('pending','delivered','given-up')),
    attempts int not null default 0,
    next_at timestamptz not null,
    last_status int,
    last_error text,
    created_at timestamptz not null,
    delivered_at timestamptz
  );
  create index webhooks_due on webhooks (next_at) where state = 'pending';

  create table workers (
    id text primary key,
    models jsonb not null,
    seen_at timestamptz not null
  );

  create table settings (name text primary key, value jsonb not null);
  insert into settings values ('paused', 'false');
  `,
  // Round robin needs a memory: which key was served last.
  `
  create sequence job_serve;
  alter table jobs add column served bigint;
  create index jobs_served on jobs (key_id, served desc nulls last);
  `,
  // Few rows, asked for at every claim and every end: found without walking over the whole queue.
  `
  create index jobs_backlogged on jobs (key_id, priority desc, rank) where state = 'backlogged';
  create index jobs_suspect on jobs (key_id) where state in ('backlogged','queued') and tries > 0;
  `,
  // A job that was never served is not in the index of those that were: a submit writes one entry less.
  `
  drop index jobs_served;
  create index jobs_served on jobs (key_id, served) where served is not null;
  `,
  // Who pauses, pauses the jobs of its own key; a queue that was paused for all stays so, key by key.
  `
  alter table keys add column paused boolean not null default false;
  update keys set paused = true where exists (select 1 from settings where name = 'paused' and value = 'true');
  delete from settings where name = 'paused';
  `,
]

const VERSION_TABLE = "create table if not exists schema_version (version int primary key)"
/** Any number that is ours alone: two nodes that start together migrate one after the other. */
const LOCK = "select pg_advisory_xact_lock(4155724)"

/**
 * Brings the schema up to the newest version and returns it. Refuses a database written by a newer version
 * of the program, since going back could lose what that version stored.
 */
export async function migrate(db: Database): Promise<number> {
  return db.transaction(async (tx) => {
    await tx.script(LOCK)
    await tx.script(VERSION_TABLE)
    const [row] = await tx.query<{ version: number | null }>(
      "select max(version) as version from schema_version",
    )
    const from = row?.version ?? 0
    if (from > MIGRATIONS.length) {
      throw new Error(`The database has schema ${from}; this program knows ${MIGRATIONS.length}. Update it.`)
    }
    for (const [i, script] of MIGRATIONS.slice(from).entries()) {
      await tx.script(script)
      await tx.query("insert into schema_version values ($1)", [from + i + 1])
    }
    return MIGRATIONS.length
  })
}
