// The SQL statements of uploads and moodboards. Imports nothing.

export const ASSETS = {
  add: `insert into assets (id, key_id, kind, hash, mime, width, height, bytes, name, description, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (id) do nothing returning *`,
  get: `select * from assets where id = $1 and ($2::text is null or key_id = $2)`,
  sameInput: `select * from assets where key_id = $1 and hash = $2 and deleted_at is null
         order by created_at limit 1`,
  list: `select * from assets where key_id = $1 and kind = 'upload' and deleted_at is null
         and ($2::timestamptz is null or created_at < $2) order by created_at desc, id desc limit $3`,
  remove: `update assets set deleted_at = $3 where id = $1 and key_id = $2 and deleted_at is null returning id`,
} as const

export const BOARDS = {
  add: `insert into boards (id, key_id, name, code, pictures, created_at, updated_at)
        values ($1, $2, $3, $4, $5::text::jsonb, $6, $6) returning *`,
  change: `update boards set name = coalesce($3, name), pictures = coalesce($4::text::jsonb, pictures),
           updated_at = $5 where id = $1 and key_id = $2 and deleted_at is null returning *`,
  remove: `update boards set deleted_at = $3 where id = $1 and key_id = $2 and deleted_at is null returning id`,
  restore: `update boards set deleted_at = null where id = $1 and key_id = $2 returning *`,
  list: `select * from boards where key_id = $1 and deleted_at is null order by updated_at desc`,
  byId: "select * from boards where id = $1",
  /** By id or name for its owner, of several of one name the one that was changed last; by share code for anyone. */
  find: `select * from boards where deleted_at is null
         and ((key_id = $1 and (id::text = $2 or name = $2)) or code = upper($2))
         order by (code = $2) desc, (id::text = $2) desc, (key_id = $1 and name = $2) desc, updated_at desc, id limit 1`,
} as const
