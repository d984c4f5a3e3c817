-- Scoring of live readings: who owns which assets, how far their readings were followed, and the latest score of each.

-- One row per scorer process. The secret is what the API shows when it asks.
create table aura.scorers (
  scorer_id uuid primary key,
  url text not null,
  secret text not null,
  seen_at timestamptz not null default clock_timestamp()
);

-- An asset belongs to the shard of its id, a shard to one scorer until the lease ends. Each new owner has a higher fence;
-- what an owner writes names its fence, so that one that was asleep writes nothing any more.
create table aura.shard_leases (
  shard smallint primary key,
  scorer_id uuid references aura.scorers on delete set null,
  fence bigint not null default 0,
  expires_at timestamptz not null default '-infinity',
  -- Readings of the shard have been followed up to here; null: never.
  followed_tx xid8,
  followed_batch bigint,
  check ((followed_tx is null) = (followed_batch is null))
);
insert into aura.shard_leases (shard) select generate_series(0, 63);

-- The present answer for each asset: what lists, alerts and the console read. History is in the prediction index.
create table aura.asset_scores (
  model aura.name not null,
  asset_id aura.data_id not null,
  version integer not null,
  digest aura.sha256 not null,
  prediction_id text not null,
  -- The answer as /predict gives it; `headline` is its one number.
  prediction json not null,
  headline double precision not null,
  source aura.name not null,
  epoch integer not null,
  ts bigint not null,
  seq integer not null,
  reading_values double precision[] not null,
  received_at timestamptz not null,
  scored_at timestamptz not null,
  unfit text[] not null default '{}',
  primary key (model, asset_id)
);
create index asset_scores_by_asset on aura.asset_scores (asset_id);
