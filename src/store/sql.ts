// Every SQL statement of the service but those of uploads and boards, by subject. Each is one transaction by itself.
// Imports nothing.
//
// A state change, its event, the promotion of the next waiting job, the pictures and the webhook rows are
// written by ONE statement: there is no moment at which some of them exist and others do not.

const WAITING = "('backlogged','queued')"
const RUNNING = "('scheduled','processing','sampling')"
const UNFINISHED = "('backlogged','queued','scheduled','processing','sampling')"

/** Channels of NOTIFY. `step` carries JSON and is never stored; the others only say "look". */
export const CHANNELS = {
  events: "atelier_events",
  work: "atelier_work",
  cancel: "atelier_cancel",
  step: "atelier_step",
} as const

const TELL = `pg_notify('${CHANNELS.events}', '')`

/** Dialects whose deadline is one for the start: what has begun goes on. */
const START_DEADLINES = "{fal}"

/** Jobs of this priority or less run when nothing else waits. */
const BACKGROUND = -10

/** Events of all rows in `from`, which has id, key_id and state. `now` is the parameter holding the time. */
const eventsOf = (from: string, now: string, data = "'{}'::jsonb"): string =>
  `insert into job_events (job_id, key_id, kind, data, at)
   select id, key_id, 'job-' || state, ${data}, ${now}::timestamptz from ${from}`

const RECORD = `id uuid, key_id text, model text, prompt text, request jsonb, pictures int, dialect text,
  raw jsonb, client_id text, body_hash text, priority int, deadline_at timestamptz,
  keep_seconds double precision, webhook jsonb, lineage jsonb, ord int`

const PLAIN_RECORD = `id uuid, model text, prompt text, request jsonb, pictures int, dialect text, raw jsonb,
  priority int, deadline_at timestamptz, keep_seconds double precision, webhook jsonb, ord int`

/** Unfinished jobs by key. Waiting and running apart: each has its index, and history costs nothing. */
const LOAD = `load as materialized (
    select key_id, sum(n)::int as n from (
      select key_id, count(*) as n from jobs where state in ${WAITING} group by key_id
      union all select key_id, count(*) from jobs where state in ${RUNNING} group by key_id) u
    group by key_id)`

/** Of keys `k` those with waiting jobs. One job of each is looked at, however many there are. */
const HAS_WAITING = `cross join lateral (
  select from jobs w where w.key_id = k.id and w.state in ${WAITING} limit 1) w`

/** A waiting job that already had a try. One that is paused holds nobody up. */
const SUSPECT = `(select 1 from jobs s join keys o on o.id = s.key_id
                  where s.state in ${WAITING} and s.tries > 0 and not o.paused)`

export const JOBS = {
  /**
   * Stores a group of submits. $1 records, $2 now, $3 cap on all waiting jobs. A key takes at most
   * concurrency + backlog unfinished jobs (`most`, told where it has them); a known idempotency id stores nothing.
   */
  submit: `
  with input as (select * from jsonb_to_recordset($1::text::jsonb) as r(${RECORD})),
  ${LOAD},
  total as (select coalesce(sum(n), 0)::int as n from load),
  fresh as (
    select i.*,
      coalesce(l.n, 0) + row_number() over (partition by i.key_id order by ord) as place,
      (select n from total) + row_number() over (order by ord) as overall,
      k.concurrency, k.backlog
    from input i join keys k on k.id = i.key_id left join load l on l.key_id = i.key_id
    where not exists (select 1 from idempotency d where d.key_id = i.key_id and d.client_id = i.client_id
                      and d.created_at > $2::timestamptz - interval '24 hours')),
  accepted as (select * from fresh where place <= concurrency + backlog and overall <= $3),
  named as (
    insert into idempotency (key_id, client_id, body_hash, job_id, created_at)
    select key_id, client_id, body_hash, id, $2::timestamptz from accepted where client_id is not null
    on conflict (key_id, client_id) do update
      set body_hash = excluded.body_hash, job_id = excluded.job_id, created_at = excluded.created_at
      where idempotency.created_at <= excluded.created_at - interval '24 hours'
    returning job_id),
  stored as (
    insert into jobs (id, key_id, state, model, prompt, request, pictures, dialect, raw, client_id, priority,
                      deadline_at, keep_seconds, webhook, created_at)
    select id, key_id, case when place <= concurrency then 'queued' else 'backlogged' end, model, prompt,
           request, pictures, dialect, raw, client_id, priority, deadline_at, keep_seconds, webhook,
           $2::timestamptz
    from accepted where client_id is null or id in (select job_id from named) order by ord
    returning id, key_id, state, priority),
  events as (${eventsOf("stored", "$2")}),
  ancestors as (
    insert into lineage (job_id, picture_id, role)
    select a.id, (l ->> 'picture')::uuid, l ->> 'role'
    from accepted a, jsonb_array_elements(a.lineage) l where a.id in (select id from stored)
    on conflict do nothing)
  select i.id, s.state, f.id is not null as fresh, i.id in (select id from accepted) as accepted,
         case when f.place > f.concurrency + f.backlog then f.concurrency + f.backlog end as most,
         ${TELL}, pg_notify('${CHANNELS.work}', '')
  from input i left join stored s on s.id = i.id left join fresh f on f.id = i.id`,

  /**
   * Stores a group of submits of one key, none of them under an idempotency id or made from other pictures, where all of
   * them have room, and otherwise nothing. $1 records, $2 now, $3 cap, $4 key, $5 how many they are. One row says how many
   * were stored and how many of those, the first ones, are queued: a row for each would cost as much as all the parsing.
   */
  submitPlain: `
  with ${LOAD},
  room as materialized (
    select k.concurrency, coalesce((select n from load where key_id = k.id), 0) as n
    from keys k
    where k.id = $4::text
      and coalesce((select n from load where key_id = k.id), 0) + $5::int <= k.concurrency + k.backlog
      and coalesce((select sum(n) from load), 0) + $5::int <= $3::int),
  stored as (
    insert into jobs (id, key_id, state, model, prompt, request, pictures, dialect, raw, priority, deadline_at,
                      keep_seconds, webhook, created_at)
    select r.id, $4::text, case when o.n + r.ord < o.concurrency then 'queued' else 'backlogged' end, r.model, r.prompt,
           r.request, r.pictures, r.dialect, r.raw, r.priority, r.deadline_at, r.keep_seconds, r.webhook,
           $2::timestamptz
    from jsonb_to_recordset($1::text::jsonb) as r(${PLAIN_RECORD}), room o
    order by r.ord
    returning id, key_id, state),
  events as (${eventsOf("stored", "$2")})
  select count(*)::int as stored, count(*) filter (where state = 'queued')::int as queued, (select ${TELL}),
         (select pg_notify('${CHANNELS.work}', ''))
  from stored`,

  idempotent: `
  select job_id, body_hash from idempotency
  where key_id = $1 and client_id = $2 and created_at > $3::timestamptz - interval '24 hours'`,

  forgetIdempotency: `delete from idempotency where created_at <= $1::timestamptz - interval '24 hours'`,

  /** Cheap: whether a claim could find anything at all. One job of each key is enough to know. */
  look: `
  select exists ${SUSPECT} as suspects,
         exists (select 1 from keys k ${HAS_WAITING} where not k.paused) as waiting`,

  /**
   * Hands up to $4 pictures' worth of waiting jobs to worker $1. Round robin: the n-th job of a key counts
   * its running ones, so a key with less under way goes first, and among equals the one served longest ago. $5 asks for jobs that already had a try
   * (suspects), which run alone; $6 says whether the worker is idle, since suspects are waited for. Of the models $3 of this
   * claim those in the background wait for what could start of the worker's other models ($7).
   */
  claim: `
  with busy as (select key_id, count(*)::int as n from jobs where state in ${RUNNING} group by key_id),
  -- once per key, not once per candidate; in the order of its index, so that history costs nothing
  caller as materialized (
    select k.id, k.concurrency, coalesce(b.n, 0) as n,
      coalesce((select max(served) from jobs l where l.key_id = k.id and l.served is not null), 0) as served
    from keys k left join busy b on b.key_id = k.id ${HAS_WAITING}
    where not k.paused),
  -- looked at only where a job in the background is come upon
  elsewhere as materialized (
    select exists (
      select 1 from caller k cross join lateral (
        select from jobs w where w.key_id = k.id and w.state in ${WAITING} and w.priority > ${BACKGROUND}
          and w.model = any ($7::text[]) and w.model <> all ($3::text[]) limit 1) w
      where k.n < k.concurrency) as waits),
  candidate as (
    select j.*, k.n + j.place as turn, k.served
    from caller k
    cross join lateral (
      select w.id, w.pictures, w.priority, w.rank, row_number() over (order by w.priority desc, w.rank) as place
      from (select id, pictures, priority, rank from jobs
            where key_id = k.id and state in ${WAITING} and model = any ($3::text[])
              and (tries > 0) = $5::boolean
              and (priority > ${BACKGROUND} or not (select waits from elsewhere))
            order by priority desc, rank limit $4::int + 32) w) j
    where k.n + j.place <= k.concurrency
      and ($5::boolean or $6::boolean or not exists ${SUSPECT})),
  summed as (
    select id, sum(pictures) over (order by priority desc, turn, served, rank, id) - pictures as before,
           row_number() over (order by priority desc, turn, served, rank, id) as ord
    from candidate),
  locked as (
    select j.id, j.served is null as is_first from jobs j join summed s on s.id = j.id
    where j.id = any (array(select id from summed where before < $4::int + 32)) and j.state in ${WAITING}
    order by s.ord limit (select count(*) from summed where before < $4::int)
    for update of j skip locked),
  moved as (
    update jobs set worker = $1, tries = tries + 1, started_at = $2::timestamptz, served = nextval('job_serve'),
      deadline_at = case when dialect = any ('${START_DEADLINES}') then null else deadline_at end,
      -- a job without pictures of its own has nothing to prepare and is processing at once
      state = case when request -> 'start' = 'null' and request -> 'board' = 'null'
                    and request -> 'references' = '[]' then 'processing' else 'scheduled' end
    where id in (select id from locked) returning *),
  events as (
    insert into job_events (job_id, key_id, kind, data, at)
    select id, key_id, kind, jsonb_build_object('try', tries), $2::timestamptz
    from moved, lateral (values (1, 'job-scheduled'), (2, 'job-processing')) as v (n, kind)
    where n = 1 or state = 'processing' order by id, n),
  -- told at a job's first start only, whatever becomes of that try
  hooks as (
    insert into webhooks (id, job_id, key_id, url, envelope, state, next_at, created_at)
    select gen_random_uuid(), id, key_id, webhook ->> 'url', (webhook ->> 'envelope') || '-start', 'pending',
           $2::timestamptz, $2::timestamptz
    from moved where webhook -> 'events' ? 'start' and id in (select id from locked where is_first))
  select m.* from moved m join summed s on s.id = m.id order by s.ord`,

  /** $1 job, $2 worker, $3 try, $4 new state, $5 now: scheduled to processing to sampling. */
  advance: `
  with moved as (
    update jobs set state = $4 where id = $1 and worker = $2 and tries = $3 and state in ${RUNNING}
    returning id, key_id, state),
  events as (${eventsOf("moved", "$5")})
  select id, ${TELL} from moved`,

  /**
   * Ends jobs. $1 records: job, worker (null for anyone), try (with a worker), end state, error, outcome, pictures,
   * webhook event ids, key (null for anyone); a job once at most. $2 now. The state test makes an end happen once: a
   * second worker, or one that lost its job to a cancel, changes nothing. Of the webhooks those are sent that the job
   * asked for: its end, unless it names its events, and its files where it says to put them. Every key then gets as many backlogged jobs queued as it has room for.
   */
  end: `
  with input as (
    select * from jsonb_to_recordset($1::text::jsonb) as r(id uuid, state text, worker text, tries int, key_id text,
      error jsonb, outcome jsonb, pictures jsonb, hooks jsonb)),
  target as (
    select j.id, j.state <> 'backlogged' as counted from jobs j join input i on i.id = j.id
    where j.id = any (array(select id from input)) -- by the primary key, however long the history
      and j.state in ${UNFINISHED} and (i.worker is null or (j.worker = i.worker and j.tries = i.tries))
      and (i.key_id is null or j.key_id = i.key_id)
    order by j.id for update of j),
  ended as (
    update jobs j set state = i.state, error = i.error, outcome = i.outcome, worker = null,
                      finished_at = $2::timestamptz
    from input i join target t on t.id = i.id where j.id = i.id
    returning j.id, j.key_id, j.state, j.error, j.keep_seconds, j.webhook, t.counted, i.pictures as made, i.hooks,
              j.pictures, j.outcome -> 'seconds' -> 'total' as seconds),
  made as (
    insert into pictures (id, job_id, place, seed, width, height, format, hash, bytes, created_at, expires_at)
    select p.id, e.id, p.place, p.seed, p.width, p.height, p.format, p.hash, p.bytes, $2::timestamptz,
           $2::timestamptz + e.keep_seconds * interval '1 second'
    from ended e cross join lateral jsonb_to_recordset(e.made) as p(id uuid, place int, seed bigint, width int,
         height int, format text, hash text, bytes int)),
  events as (${eventsOf("ended", "$2", "jsonb_strip_nulls(jsonb_build_object('error', error, 'seconds', seconds, 'pictures', pictures))")}),
  hooks as (
    insert into webhooks (id, job_id, key_id, url, envelope, place, state, next_at, created_at)
    select h.id, e.id, e.key_id, e.webhook ->> 'url',
           (e.webhook ->> 'envelope') || case h.event when 'completed' then '' else '-' || h.event end, h.place,
           'pending', $2::timestamptz, $2::timestamptz
    from ended e cross join lateral jsonb_to_recordset(e.hooks) as h(id uuid, place int, event text)
    where e.webhook is not null and coalesce(e.webhook -> 'events', '["completed"]') ? h.event
    union all
    select gen_random_uuid(), e.id, e.key_id, e.webhook ->> 'put', 'put', p.place, 'pending', $2::timestamptz,
           $2::timestamptz
    from ended e cross join lateral jsonb_to_recordset(e.made) as p(place int) where e.webhook ? 'put'),
  left_by as (
    select k.id, k.concurrency, count(*) filter (where e.counted)::int as n
    from ended e join keys k on k.id = e.key_id group by k.id, k.concurrency),
  promoted as (
    update jobs set state = 'queued' where id in (
      select b.id from left_by l cross join lateral (
        select j.id from jobs j
        where j.key_id = l.id and j.state = 'backlogged' and j.id not in (select id from ended)
        order by j.priority desc, j.rank
        -- the count is of the moment before the ended ones left
        limit greatest(0, l.concurrency + l.n
          - (select count(*)::int from jobs x where x.key_id = l.id and x.state = 'queued')
          - (select count(*)::int from jobs x where x.key_id = l.id and x.state in ${RUNNING}))
        for update skip locked) b)
    returning id, key_id, state),
  promoted_events as (${eventsOf("promoted", "$2")})
  select id, state, ${TELL}, pg_notify('${CHANNELS.work}', ''),
         -- its own worker knows of a job that it completed
         case when state <> 'completed' then pg_notify('${CHANNELS.cancel}', id::text) end
  from ended`,

  /**
   * Running jobs go back to waiting. $1 worker, or null for all of workers unseen since $2; $3 now;
   * $4 whether the try counts (a crash does, a shutdown does not); $5 job or null for all.
   */
  handBack: `
  with moved as (
    update jobs set state = 'queued', worker = null, tries = tries - case when $4::boolean then 0 else 1 end
    where state in ${RUNNING} and ($5::uuid is null or id = $5)
      and case when $1::text is not null then worker = $1
          else not exists (select 1 from workers w where w.id = jobs.worker and w.seen_at > $2::timestamptz) end
      and (not $4::boolean or tries < 2)
    returning id, key_id, state, tries),
  events as (${eventsOf("moved", "$3", "jsonb_build_object('handedBack', true, 'tries', tries)")})
  select id, ${TELL}, pg_notify('${CHANNELS.work}', '') from moved`,

  /** Running jobs of lost workers that have used both tries. Same parameters $1, $2 as handBack. */
  lost: `
  select id, tries from jobs where state in ${RUNNING} and tries >= 2
    and case when $1::text is not null then worker = $1
        else not exists (select 1 from workers w where w.id = jobs.worker and w.seen_at > $2::timestamptz) end`,

  heldBy: `select id from jobs where worker = $1 and state in ${RUNNING}`,

  overdue: `select id from jobs where deadline_at <= $1::timestamptz and state in ${UNFINISHED}`,

  unfinishedOf: `select id from jobs where key_id = $1 and state in ${UNFINISHED}`,

  /** $1 job, $2 key, $3 new rank, $4 new priority or null, $5 now. Waiting jobs only. */
  move: `
  with moved as (
    update jobs set rank = coalesce($3::double precision, rank), priority = coalesce($4::int, priority)
    where id = $1 and key_id = $2 and state in ${WAITING} returning id, key_id, priority),
  events as (insert into job_events (job_id, key_id, kind, data, at)
    select id, key_id, 'job-moved', jsonb_build_object('priority', priority), $5::timestamptz from moved)
  select id, ${TELL} from moved`,

  /**
   * A failed or cancelled job starts over as if new, without its old error, where a submit would be taken. $1 job, $2 key,
   * $3 now, $4 cap on all unfinished jobs. `most` is what the key may have and has.
   */
  retry: `
  with ${LOAD},
  room as materialized (
    select k.concurrency, k.concurrency + k.backlog as most, coalesce((select n from load where key_id = k.id), 0) as n,
      coalesce((select sum(n) from load), 0) >= $4::int as is_full
    from keys k where k.id = $2),
  moved as (
    update jobs j set state = case when r.n < r.concurrency then 'queued' else 'backlogged' end, error = null,
      outcome = null, tries = 0, worker = null, finished_at = null, deadline_at = null, rank = nextval('job_rank')
    from room r
    where j.id = $1 and j.key_id = $2 and j.state in ('failed','cancelled') and j.deleted_at is null
      and r.n < r.most and not r.is_full
    returning j.id, j.key_id, j.state),
  events as (${eventsOf("moved", "$3", `'{"retried": true}'::jsonb`)})
  select m.id is not null as moved, r.is_full or r.n >= r.most as full, case when r.n >= r.most then r.most end as most,
         case when m.id is not null then ${TELL} end,
         case when m.id is not null then pg_notify('${CHANNELS.work}', '') end
  from room r left join moved m on true`,

  /** $1 key, $2 job (null for all of them). */
  waitingOrder: `
  select id, rank, priority from jobs where key_id = $1 and state in ${WAITING}
  order by priority desc, rank`,

  get: `select * from jobs where id = $1 and ($2::text is null or key_id = $2)`,

  queue: `
  select * from jobs where ($1::text is null or key_id = $1) and state in ${UNFINISHED}
  order by (state in ${RUNNING}) desc, priority desc, rank limit 1000`,

  /**
   * History. $1 key, $2 words (all must occur), $3 states, $4 favourite, $5 models, $6 with references,
   * $7 from, $8 until, $9/$10 cursor time and id, $11 limit, $12 dialects.
   */
  list: `
  select * from jobs j where key_id = $1 and deleted_at is null
    and ($2::text[] is null or prompt ilike all ($2))
    and ($3::text[] is null or state = any ($3))
    and ($4::boolean is null or favourite = $4
         or exists (select 1 from pictures p where p.job_id = j.id and p.favourite = $4 and $4))
    and ($5::text[] is null or model = any ($5))
    and ($6::boolean is null or (jsonb_array_length(request -> 'references') > 0) = $6)
    and ($7::timestamptz is null or created_at >= $7) and ($8::timestamptz is null or created_at < $8)
    and ($9::timestamptz is null or (created_at, id) < ($9, $10::uuid))
  order by created_at desc, id desc limit $11`,

  count: `select count(*)::int as n from jobs where key_id = $1 and deleted_at is null`,

  favourite: `
  with moved as (update jobs set favourite = $3 where id = $1 and key_id = $2 returning id, key_id, favourite),
  events as (insert into job_events (job_id, key_id, kind, data, at)
    select id, key_id, 'job-marked', jsonb_build_object('favourite', favourite), $4::timestamptz from moved)
  select id, ${TELL} from moved`,

  /** $1 job, $2 key, $3 now, $4 whether to delete (true) or to restore. Finished jobs only. */
  remove: `
  with moved as (
    update jobs set deleted_at = case when $4::boolean then $3::timestamptz end
    where id = $1 and key_id = $2 and state in ('completed','failed','cancelled')
      and (deleted_at is null) = $4::boolean
    returning id, key_id, deleted_at),
  events as (insert into job_events (job_id, key_id, kind, data, at)
    select id, key_id, case when deleted_at is null then 'job-restored' else 'job-deleted' end, '{}',
           $3::timestamptz from moved)
  select id, ${TELL} from moved`,

  /** Jobs deleted before $1 and never restored: their rows go, pictures first. */
  purge: `
  with gone as (select id from jobs where deleted_at < $1::timestamptz limit 500),
  l as (delete from lineage where job_id in (select id from gone)),
  h as (delete from webhooks where job_id in (select id from gone)),
  p as (delete from pictures where job_id in (select id from gone) returning hash)
  select hash from p`,
  purgeJobs: `delete from jobs j where deleted_at < $1::timestamptz
    and not exists (select 1 from pictures p where p.job_id = j.id)
    and not exists (select 1 from webhooks w where w.job_id = j.id)
    and not exists (select 1 from lineage l where l.job_id = j.id)`,

  stats: `
  select state, count(*)::int as n, extract(epoch from min(created_at))::float8 as oldest
  from jobs where state in ${UNFINISHED} group by state`,
} as const

export const PICTURES = {
  ofJobs: `select *, seed::text as seed_text from pictures where job_id = any ($1::uuid[]) and deleted_at is null
           order by job_id, place`,
  /** $1 picture, $2 key or null: the picture's address is its permission to be read. */
  get: `select p.*, p.seed::text as seed_text, j.key_id, j.prompt, j.deleted_at as job_deleted_at
        from pictures p join jobs j on j.id = p.job_id where p.id = $1 and ($2::text is null or j.key_id = $2)`,
  mark: `
  with moved as (
    update pictures p set favourite = coalesce($3::boolean, p.favourite),
      deleted_at = case when $4::boolean is null then p.deleted_at when $4 then $5::timestamptz end
    from jobs j where p.id = $1 and j.id = p.job_id and j.key_id = $2 returning p.id, p.job_id, j.key_id,
      p.favourite, p.deleted_at),
  events as (insert into job_events (job_id, key_id, kind, data, at)
    select job_id, key_id, 'picture-marked', jsonb_build_object('picture', id, 'favourite', favourite,
           'deleted', deleted_at is not null), $5::timestamptz from moved)
  select id, ${TELL} from moved`,
  /** Where a job's inputs came from, and what was made from its pictures. */
  cameFrom: `select l.picture_id, l.role, p.job_id from lineage l join pictures p on p.id = l.picture_id
             where l.job_id = $1`,
  ledTo: `select l.picture_id, l.role, l.job_id from lineage l join pictures p on p.id = l.picture_id
          join jobs j on j.id = l.job_id where p.job_id = $1 and j.deleted_at is null order by j.created_at`,
  expire: `update pictures set expired = true where expires_at <= $1::timestamptz and not expired returning hash`,
  /** Of the hashes $1, those that nothing needs any more. */
  unreferenced: `
  select h as hash from unnest($1::text[]) h
  where not exists (select 1 from pictures where hash = h and not expired)
    and not exists (select 1 from assets where hash = h)`,
  all: `select id, hash, bytes from pictures where not expired`,
} as const

export const EVENTS = {
  /** After the cursor ($1 xid, $2 seq), below the oldest running transaction. $3 key or null, $4 limit. */
  after: `
  select seq::float8 as seq, xid::float8 as xid, job_id, key_id, kind, data, at from job_events
  where (xid, seq) > ($1::bigint, $2::bigint)
    and xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
    and ($3::text is null or key_id = $3)
  order by xid, seq limit $4`,
  last: `
  select xid::float8 as xid, seq::float8 as seq from job_events
  where xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint order by xid desc, seq desc limit 1`,
  ofJob: `select seq::float8 as seq, kind, data, at from job_events where job_id = $1 order by seq`,
  tell: "select pg_notify($1, $2)",
} as const

export const KEYS = {
  ensureLocal: `insert into keys (id, name, hash, webhook_secret, concurrency, backlog, rate, created_at)
                values ('local', 'local', '', $1, $2, $3, $4, $5) on conflict (id) do update
                set concurrency = excluded.concurrency, backlog = excluded.backlog, rate = excluded.rate`,
  add: `insert into keys (id, name, hash, webhook_secret, concurrency, backlog, rate, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)`,
  list: `select id, name, concurrency, backlog, rate, created_at, revoked_at from keys where id <> 'local'
         order by created_at`,
  revoke: `update keys set revoked_at = $2 where (id = $1 or name = $1) and id <> 'local' and revoked_at is null
           returning id`,
  byHash: `select id, name, webhook_secret, concurrency, backlog, rate, revoked_at from keys where hash = $1
           and hash <> ''`,
  get: `select id, name, webhook_secret, concurrency, backlog, rate, revoked_at from keys where id = $1`,
  live: `select count(*)::int as n from keys where id <> 'local' and revoked_at is null`,
  /** $1 key, $2 whether its jobs are to wait, $3 now. */
  pause: `
  with moved as (update keys set paused = $2::boolean where id = $1 returning id, paused),
  events as (insert into job_events (job_id, key_id, kind, data, at)
    select null, id, case when paused then 'queue-paused' else 'queue-resumed' end, '{}', $3::timestamptz from moved)
  select id, ${TELL}, pg_notify('${CHANNELS.work}', '') from moved`,
  paused: "select paused from keys where id = $1",
} as const

export const WEBHOOKS = {
  /** Claims due messages for a minute, but for those to receivers ($3) that have enough of them. */
  claim: `update webhooks set next_at = $1::timestamptz + interval '60 seconds' where id in (
            select id from webhooks where state = 'pending' and next_at <= $1::timestamptz
            and lower(split_part(url, '/', 3)) <> all($3::text[]) order by next_at
            limit $2 for update skip locked) returning *, lower(split_part(url, '/', 3)) as receiver`,
  keepBody: "update webhooks set body = $2 where id = $1 and body is null",
  attempted: `update webhooks set state = $2, attempts = attempts + 1, next_at = $3::timestamptz,
              last_status = $4, last_error = $5, delivered_at = case when $2 = 'delivered' then $6::timestamptz end
              where id = $1`,
  list: `select id, job_id, url, envelope, state, attempts, last_status, last_error, created_at, delivered_at,
         next_at from webhooks where ($1::text is null or key_id = $1) order by created_at desc limit $2`,
  /** Sends again: one event id ($1), or every one that was given up (null). */
  replay: `update webhooks set state = 'pending', attempts = 0, next_at = $2::timestamptz
           where case when $1::uuid is null then state = 'given-up' else id = $1 end returning id`,
} as const

export const WORKERS = {
  seen: `insert into workers (id, models, seen_at) values ($1, $2::text::jsonb, $3)
         on conflict (id) do update set models = excluded.models, seen_at = excluded.seen_at`,
  gone: "delete from workers where id = $1",
  forget: "delete from workers where seen_at <= $1",
  live: "select id, models, seen_at from workers where seen_at > $1",
} as const

export const SETTINGS = {
  /** Of several nodes that start at once, the first one's value stays. */
  ensure: "insert into settings values ($1, $2::text::jsonb) on conflict (name) do nothing",
  get: "select value from settings where name = $1",
} as const
