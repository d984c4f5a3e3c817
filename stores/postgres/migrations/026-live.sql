-- Readings as they arrive: sources and the versions of their columns, readings by month, what became of each that was
-- received, and those set aside.

create table aura.live_sources (
  source_key integer generated always as identity primary key,
  source aura.name not null unique,
  created_at timestamptz not null default clock_timestamp()
);

-- The declaration of a source; its newest version counts. Columns keep their places in all versions.
create table aura.source_versions (
  source_key integer not null references aura.live_sources,
  version integer not null check (version > 0),
  document json not null,
  sha256 aura.sha256 not null,
  owner text not null,
  actor text not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (source_key, version)
);

-- What sends readings; of one that is not listed the id is the asset's.
create table aura.devices (
  device_id aura.data_id primary key,
  asset_id aura.data_id not null references aura.assets (asset_id),
  display_name text,
  attributes json not null default '{}',
  created_at timestamptz not null default clock_timestamp()
);
create index devices_by_asset on aura.devices (asset_id);

-- One asset in one source, under a number short enough to stand in every reading.
create table aura.reading_series (
  series_key integer generated always as identity primary key,
  source_key integer not null references aura.live_sources,
  asset_key bigint not null references aura.assets,
  unique (source_key, asset_key)
);
create index reading_series_by_asset on aura.reading_series (asset_key);

-- Where time is a cycle: the month in which a life of the asset was first heard of; all its readings lie there.
create table aura.reading_epochs (
  series_key integer not null references aura.reading_series,
  epoch integer not null,
  month date not null,
  primary key (series_key, epoch)
);

-- One commit of one source. Whoever follows the readings goes by (tx, batch_id) below the oldest open transaction, so
-- that nothing which commits late is passed over.
create table aura.reading_batches (
  batch_id bigint generated always as identity primary key,
  tx xid8 not null default pg_current_xact_id(),
  source_key integer not null references aura.live_sources,
  adapter text not null,
  committed_at timestamptz not null default clock_timestamp(),
  n_stored integer not null check (n_stored >= 0)
);
create index reading_batches_by_tx on aura.reading_batches (tx, batch_id);

-- `ts`: microseconds since 1970, or the cycle. No foreign keys, so that COPY is not slowed row by row; months are
-- made by ensure_reading_month.
create table aura.readings (
  batch_id bigint not null,
  ts bigint not null,
  series_key integer not null,
  epoch integer not null,
  seq integer not null,
  month date not null,
  schema_version integer not null,
  row_values double precision[] not null,
  primary key (series_key, epoch, ts, seq, month)
) partition by range (month);
create index readings_by_batch on aura.readings using brin (batch_id) with (pages_per_range = 16, autosummarize = on);

create function aura.ensure_reading_month(wanted date) returns void
  language plpgsql security definer set search_path = pg_catalog as $$
declare
  first_day date := date_trunc('month', wanted)::date;
begin
  perform pg_advisory_xact_lock(1635087457, extract(year from first_day)::int * 12 + extract(month from first_day)::int);
  execute format(
    'create table if not exists aura.%I partition of aura.readings for values from (%L) to (%L)',
    'readings_' || to_char(first_day, 'YYYY_MM'), first_day, (first_day + interval '1 month')::date);
end
$$;
revoke all on function aura.ensure_reading_month(date) from public;

-- First wins: what came later under the key of a reading that has other values.
create table aura.reading_conflicts (
  conflict_id bigint generated always as identity primary key,
  series_key integer not null,
  epoch integer not null,
  ts bigint not null,
  seq integer not null,
  kept double precision[] not null,
  refused double precision[] not null,
  at timestamptz not null default clock_timestamp()
);
create index reading_conflicts_by_series on aura.reading_conflicts (series_key, at desc);

-- Readings that were taken and cannot be stored as they are: listed, mended, replayed.
create table aura.dead_letters (
  letter_id bigint generated always as identity primary key,
  source_key integer not null references aura.live_sources,
  adapter text not null,
  code text not null,
  message text not null,
  asset text,
  body text not null,
  state text not null default 'open' check (state in ('open', 'replayed', 'dropped')),
  received_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz,
  settled_by text
);
create index dead_letters_open on aura.dead_letters (source_key, letter_id) where state = 'open';

-- received = stored + duplicate + quarantined + rejected is a constraint, not a hope.
create table aura.intake_counts (
  source_key integer not null references aura.live_sources,
  adapter text not null,
  minute timestamptz not null,
  n_received bigint not null,
  n_stored bigint not null,
  n_duplicate bigint not null,
  n_conflict bigint not null,
  n_quarantined bigint not null,
  n_rejected bigint not null,
  primary key (source_key, adapter, minute),
  check (n_received = n_stored + n_duplicate + n_quarantined + n_rejected),
  check (n_conflict <= n_duplicate)
);

-- The ledger held against the rows, minute by minute.
create table aura.intake_reconciliations (
  source_key integer not null references aura.live_sources,
  up_to_batch bigint not null,
  n_ledger bigint not null,
  n_found bigint not null,
  at timestamptz not null default clock_timestamp(),
  primary key (source_key, up_to_batch)
);
