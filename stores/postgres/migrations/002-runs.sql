-- Runs mirror what outlives Temporal's retention.

create table aura.runs (
  run_id text primary key,
  workflow_id text not null,
  pipeline aura.name not null,
  model aura.name not null,
  pipeline_text text not null,
  spec_hash text not null,
  files json not null,
  schedule_key text,
  status text not null default 'running'
    check (status in ('running', 'waiting', 'finished', 'failed', 'cancelled')),
  outcome text check (outcome in ('promoted', 'unchanged', 'refused', 'rejected', 'expired', 'waiting')),
  dataset_id text,
  version integer,
  digest text,
  approval_id text,
  metrics json,
  evaluation json,
  gates json,
  error json,
  requested_by text not null,
  requester_authenticated boolean not null,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  check ((status in ('finished', 'failed', 'cancelled')) = (finished_at is not null)),
  check ((status = 'finished') = (outcome is not null))
);
create index runs_by_time on aura.runs (started_at desc, run_id desc);
create index runs_by_pipeline on aura.runs (pipeline, started_at desc);
create index runs_by_model on aura.runs (model, started_at desc);
create index runs_by_dataset on aura.runs (dataset_id) where dataset_id is not null;

create table aura.run_stages (
  run_id text not null references aura.runs,
  stage text not null,
  position integer not null,
  state text not null check (state in ('waiting', 'running', 'done', 'reused', 'failed', 'skipped')),
  progress double precision check (progress between 0 and 1),
  detail text,
  started_at timestamptz,
  duration_ms double precision,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (run_id, stage)
);

create table aura.trials (
  run_id text not null references aura.runs,
  trial_key text not null,
  candidate text not null,
  parameters json not null,
  metrics json,
  created_at timestamptz not null default clock_timestamp(),
  primary key (run_id, trial_key)
);
