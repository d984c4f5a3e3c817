-- Rollouts: a version comes to serve in stages beside the champion. The row is where a rollout stands, the events how it came
-- there; one that is not over per model.
create table aura.rollouts (
  rollout_id text primary key,
  model aura.name not null references aura.models,
  version integer not null,
  digest aura.sha256 not null,
  champion_version integer not null,
  champion_digest aura.sha256 not null,
  approval_id text references aura.approvals,
  workflow_id text not null,
  run_id text,
  plan json not null,
  state text not null check (state in ('running', 'paused', 'promoting', 'promoted', 'rolled_back', 'aborted')),
  stage integer not null default 0 check (stage >= 0),
  mode text not null check (mode in ('shadow', 'canary')),
  -- Per cent of the requests that it answers.
  share double precision not null check (share >= 0 and share <= 100),
  -- Number of events: what a change was decided on.
  revision integer not null,
  stage_at timestamptz not null default clock_timestamp(),
  -- Null while it is paused; what was left of it then stands in remaining_ms.
  bake_until timestamptz,
  remaining_ms double precision,
  -- The stage lasts longer than its bake for want of answers.
  is_prolonged boolean not null default false,
  guard text,
  reason text,
  requested_by text not null,
  requester_authenticated boolean not null,
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  check ((ended_at is not null) = (state in ('promoted', 'rolled_back', 'aborted'))),
  foreign key (model, version, digest) references aura.model_versions (model, version, digest)
);
create unique index one_open_rollout_per_model on aura.rollouts (model) where ended_at is null;
create index rollouts_by_time on aura.rollouts (model, started_at desc);

create table aura.rollout_events (
  rollout_id text not null references aura.rollouts,
  position integer not null check (position >= 1),
  kind text not null,
  state text not null,
  stage integer not null,
  share double precision not null,
  actor_id text not null,
  actor_authenticated boolean not null,
  reason text not null,
  details json not null default '{}',
  at timestamptz not null default clock_timestamp(),
  primary key (rollout_id, position)
);
create trigger rollout_events_append_only before update or delete on aura.rollout_events
  for each row execute function aura.refuse_change();
create trigger rollout_events_no_truncate before truncate on aura.rollout_events
  for each statement execute function aura.refuse_change();

-- What each serving process counted of a stage: absolute numbers, written over.
create table aura.rollout_stats (
  rollout_id text not null references aura.rollouts,
  stage integer not null,
  reporter text not null,
  counts json not null,
  sample json not null,
  at timestamptz not null default clock_timestamp(),
  primary key (rollout_id, stage, reporter)
);

-- A run may end with a rollout that did not come to its end.
alter table aura.runs drop constraint runs_outcome_check;
alter table aura.runs add constraint runs_outcome_check
  check (outcome in ('promoted', 'unchanged', 'refused', 'rejected', 'expired', 'waiting', 'rolled_back', 'aborted'));
