-- Files of readings that a device uploads with a ticket of its own, and what became of them.
create table aura.reading_uploads (
  upload_id text primary key,
  secret_sha256 aura.sha256 not null unique,
  source_key integer not null references aura.live_sources,
  file_name text not null,
  max_bytes bigint not null check (max_bytes > 0),
  expires_at timestamptz not null,
  created_by text not null,
  created_at timestamptz not null default clock_timestamp(),
  state text not null default 'waiting' check (state in ('waiting', 'received', 'done', 'failed')),
  object_key text,
  object_sha256 aura.sha256,
  object_bytes bigint,
  n_rows bigint not null default 0,
  counts json not null default '{}',
  message text,
  ended_at timestamptz
);
create index reading_uploads_by_time on aura.reading_uploads (created_at desc);
