-- Feeds: where readings come from other than over HTTP, what each of them does now, and assets that went silent by
-- their own word.

create table aura.feeds (
  feed aura.name primary key,
  source_key integer not null references aura.live_sources,
  document json not null,
  sha256 aura.sha256 not null,
  is_paused boolean not null default false,
  revision integer not null default 1 check (revision > 0),
  actor text not null,
  created_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp()
);

-- Written by the ingestor alone. `position`: behind what is committed, in the terms of the adapter.
create table aura.feed_states (
  feed aura.name primary key references aura.feeds on delete cascade,
  state text not null default 'waiting' check (state in ('waiting', 'running', 'failing', 'paused')),
  reason text,
  position json,
  n_waiting bigint,
  n_messages bigint not null default 0,
  last_batch_at timestamptz,
  at timestamptz not null default clock_timestamp()
);

-- Assets whose device said farewell by its last will; the next reading of the series takes the row away.
create table aura.stale_assets (
  series_key integer primary key references aura.reading_series,
  since timestamptz not null default clock_timestamp(),
  reason text not null
);
