-- What turned out to be true of assets and predictions. Of one subject one label counts; nothing is deleted.
create table aura.observed_labels (
  label_id aura.data_id primary key,
  seq bigint generated always as identity unique,
  kind text not null check (kind in ('failure', 'replacement', 'event_free', 'class', 'value')),
  asset_id aura.data_id,
  -- Microseconds since 1970 UTC, or the cycle.
  t double precision,
  time_kind text check (time_kind in ('timestamp', 'cycle')),
  prediction_id aura.data_id,
  label_column aura.data_id,
  value_text text,
  value_number double precision,
  mode text,
  source aura.name not null,
  reference text,
  supersedes aura.data_id references aura.observed_labels,
  subject text not null,
  content aura.sha256 not null,
  state text not null check (state in ('valid', 'conflicting', 'superseded', 'withdrawn')),
  -- Of a conflicting one: what stands; of a superseded one: its correction.
  besides aura.data_id references aura.observed_labels,
  actor text not null,
  created_at timestamptz not null default clock_timestamp(),
  check ((asset_id is null) = (prediction_id is not null)),
  check ((asset_id is null) = (t is null) and (t is null) = (time_kind is null))
);
create unique index observed_labels_once on aura.observed_labels (subject) where state = 'valid';
create index observed_labels_by_asset on aura.observed_labels (asset_id, time_kind, t) where state = 'valid';
create index observed_labels_by_prediction on aura.observed_labels (prediction_id) where prediction_id is not null;
create index observed_labels_by_time on aura.observed_labels (created_at) where state = 'valid';
