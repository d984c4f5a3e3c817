-- Traces, scores, drift and access.

create table aura.prediction_segments (
  segment text primary key,
  object_key text not null,
  object_sha256 aura.sha256 not null,
  object_bytes bigint not null,
  shipped_at timestamptz not null default clock_timestamp()
);

create table aura.prediction_index (
  prediction_id text primary key,
  model aura.name not null,
  version integer not null,
  digest aura.sha256 not null,
  asset_id text check (octet_length(asset_id) between 1 and 128),
  at timestamptz not null,
  actor text not null,
  segment text not null,
  segment_offset bigint not null,
  value double precision not null,
  request_id text not null
);
create index prediction_index_by_asset on aura.prediction_index (asset_id, at desc, prediction_id desc);
create index prediction_index_by_model on aura.prediction_index (model, version, at desc);
create index prediction_index_by_time on aura.prediction_index (at desc, prediction_id desc);
create index prediction_index_by_segment on aura.prediction_index (segment, model);

create table aura.score_jobs (
  job_id text primary key,
  model aura.name not null,
  version integer not null,
  digest aura.sha256 not null,
  dataset_id text not null,
  object_key text not null,
  object_sha256 aura.sha256 not null,
  object_bytes bigint not null,
  created_at timestamptz not null default clock_timestamp()
);

create table aura.scores (
  job_id text not null references aura.score_jobs,
  rank integer not null,
  asset_id aura.data_id not null,
  value double precision not null,
  at text not null,
  primary key (job_id, rank)
);

create table aura.drift_reports (
  report_id text primary key,
  model aura.name not null,
  version integer not null,
  digest aura.sha256 not null,
  window_start timestamptz not null,
  window_end timestamptz not null,
  state text not null check (state in ('ok', 'drift', 'insufficient_data')),
  confirmed boolean not null,
  n_rows bigint not null,
  report json not null,
  created_at timestamptz not null default clock_timestamp()
);
create index drift_reports_by_model on aura.drift_reports (model, window_end desc, created_at desc);

create table aura.alerts (
  alert_id bigint generated always as identity primary key,
  alert_key text not null unique,
  kind text not null,
  severity text not null check (severity in ('info', 'warning', 'critical')),
  subject text not null,
  message text not null,
  details json not null default '{}',
  raised_at timestamptz not null default clock_timestamp(),
  acknowledged_by text,
  acknowledged_at timestamptz,
  resolved_at timestamptz
);
create index alerts_open on aura.alerts (raised_at desc) where resolved_at is null;

create table aura.api_keys (
  key_id text primary key,
  name text not null,
  role text not null check (role in ('viewer', 'operator', 'approver', 'admin')),
  sites json,
  secret_sha256 aura.sha256 not null unique,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  revoked_at timestamptz
);

create table aura.idempotency_keys (
  actor text not null,
  route text not null,
  idempotency_key text not null,
  body_hash text not null,
  -- Who is doing the work now; status stays null until it is done.
  claim text not null,
  claimed_at timestamptz not null default clock_timestamp(),
  status integer,
  body json,
  created_at timestamptz not null default clock_timestamp(),
  primary key (actor, route, idempotency_key)
);
create index idempotency_keys_by_time on aura.idempotency_keys (created_at);
