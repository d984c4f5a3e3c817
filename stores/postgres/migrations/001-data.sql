-- Customers, assets, datasets and what ingest records about them.
-- Ids of customers, sites and assets are data: any UTF-8 of 1 to 128 bytes.

create domain aura.data_id as text check (octet_length(value) between 1 and 128);
create domain aura.name as text check (value ~ '^[a-z0-9][a-z0-9._-]{0,63}$' and value !~ '\.\.');
create domain aura.sha256 as text check (value ~ '^[0-9a-f]{64}$');

create table aura.customers (
  customer_id aura.data_id primary key,
  display_name text,
  created_at timestamptz not null default now()
);

create table aura.sites (
  site_id aura.data_id primary key,
  customer_id aura.data_id references aura.customers,
  display_name text,
  created_at timestamptz not null default now()
);

create table aura.assets (
  asset_key bigint generated always as identity primary key,
  asset_id aura.data_id not null unique,
  site_id aura.data_id references aura.sites,
  asset_class text,
  attributes json not null default '{}',
  first_seen timestamptz not null default now()
);

create table aura.datasets (
  dataset_id aura.sha256 primary key,
  pipeline aura.name not null,
  owner text not null,
  retention text not null,
  n_rows bigint not null check (n_rows >= 0),
  manifest json not null,
  manifest_key text not null,
  manifest_sha256 aura.sha256 not null,
  manifest_bytes bigint not null,
  run_id text not null,
  created_at timestamptz not null default clock_timestamp()
);
create index datasets_by_time on aura.datasets (created_at desc);

-- Originals a dataset was made of; the way from a bad file to everything it touched.
create table aura.dataset_files (
  dataset_id aura.sha256 not null references aura.datasets,
  name text not null,
  source aura.name not null,
  part text not null,
  object_key text not null,
  sha256 aura.sha256 not null,
  bytes bigint not null,
  primary key (dataset_id, source, part, name)
);
create index dataset_files_by_hash on aura.dataset_files (sha256);

-- Batch ledger: one row per original read; accepted + quarantined = read is a constraint, not a hope.
create table aura.batches (
  dataset_id aura.sha256 not null references aura.datasets,
  position integer not null,
  source aura.name not null,
  name text not null,
  sha256 aura.sha256 not null,
  n_read bigint not null check (n_read >= 0),
  n_accepted bigint not null check (n_accepted >= 0),
  n_quarantined bigint not null check (n_quarantined >= 0),
  recorded_at timestamptz not null default clock_timestamp(),
  primary key (dataset_id, position),
  check (n_accepted + n_quarantined = n_read)
);

create table aura.source_counts (
  dataset_id aura.sha256 not null references aura.datasets,
  source aura.name not null,
  n_read bigint not null,
  n_accepted bigint not null,
  n_quarantined bigint not null,
  by_reason json not null,
  primary key (dataset_id, source),
  check (n_accepted + n_quarantined = n_read)
);

create table aura.quarantine (
  dataset_id aura.sha256 not null references aura.datasets,
  position integer not null,
  source aura.name not null,
  file text not null,
  line bigint not null,
  code text not null,
  message text not null,
  row_text text not null,
  primary key (dataset_id, position)
);

create table aura.dataset_assets (
  dataset_id aura.sha256 not null references aura.datasets,
  source aura.name not null,
  asset_id aura.data_id not null references aura.assets (asset_id),
  n_rows bigint not null,
  first_t bigint not null,
  last_t bigint not null,
  primary key (dataset_id, source, asset_id)
);
create index dataset_assets_by_asset on aura.dataset_assets (asset_id);

-- Accepted rows up to the staging limit. The short key keeps a million rows and their index small;
-- no foreign key from the rows, so that COPY is not slowed row by row.
create table aura.staged_sources (
  staged_key integer generated always as identity primary key,
  dataset_id aura.sha256 not null,
  source aura.name not null,
  unique (dataset_id, source)
);

create table aura.staged_rows (
  staged_key integer not null,
  seq bigint not null,
  asset_id text not null,
  t bigint not null,
  row_values double precision[] not null,
  primary key (staged_key, seq)
);

-- Ground truth: failure events and remaining life, by asset and time.
create table aura.labels (
  dataset_id aura.sha256 not null references aura.datasets,
  asset_id aura.data_id not null,
  t bigint not null,
  kind text not null check (kind in ('failure', 'rul', 'class')),
  value double precision,
  class_label text,
  primary key (dataset_id, asset_id, t, kind)
);

create table aura.feature_sets (
  feature_set_id aura.sha256 primary key,
  dataset_id aura.sha256 not null,
  view_hash aura.sha256 not null,
  fitted_hash aura.sha256 not null,
  n_rows bigint not null,
  n_assets bigint not null,
  manifest_key text not null,
  manifest_sha256 aura.sha256 not null,
  manifest_bytes bigint not null,
  created_at timestamptz not null default clock_timestamp()
);

create table aura.telemetry_aggregates (
  asset_id aura.data_id not null,
  column_name aura.data_id not null,
  bucket_start bigint not null,
  bucket_length bigint not null check (bucket_length > 0),
  n_readings bigint not null,
  mean double precision,
  minimum double precision,
  maximum double precision,
  stddev double precision,
  primary key (asset_id, column_name, bucket_length, bucket_start)
);

-- Latest offline features of each asset under one view: the serving table of the feature store.
create table aura.feature_store (
  view_hash aura.sha256 not null,
  fitted_hash aura.sha256 not null,
  asset_id aura.data_id not null,
  t bigint not null,
  feature_values double precision[] not null,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (view_hash, fitted_hash, asset_id)
);

create table aura.stage_cache (
  cache_key text primary key,
  stage text not null,
  result json not null,
  created_at timestamptz not null default clock_timestamp()
);
