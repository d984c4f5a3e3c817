-- What is done with readings after they are stored: hourly aggregates, the archive, and what is past its retention.

-- How far somebody who follows the readings has come.
create table aura.reading_positions (
  follower text primary key,
  tx xid8 not null default '0',
  batch_id bigint not null default 0,
  moved_at timestamptz not null default clock_timestamp()
);

-- Assets have columns of one name in several sources. The table was never written before.
alter table aura.telemetry_aggregates
  drop constraint telemetry_aggregates_pkey,
  add column source aura.name not null,
  add primary key (source, asset_id, column_name, bucket_length, bucket_start);

-- Parquet parts of the raw archive: all readings of some batches of one source.
create table aura.reading_archives (
  archive_id bigint generated always as identity primary key,
  source_key integer not null references aura.live_sources,
  object_key text not null,
  object_sha256 aura.sha256 not null,
  object_bytes bigint not null,
  n_rows bigint not null,
  archived_at timestamptz not null default clock_timestamp(),
  unique (source_key, object_sha256)
);

create function aura.drop_reading_month(wanted date) returns void
  language plpgsql security definer set search_path = pg_catalog as $$
begin
  execute format('drop table if exists aura.%I', 'readings_' || to_char(date_trunc('month', wanted), 'YYYY_MM'));
end
$$;
revoke all on function aura.drop_reading_month(date) from public;
