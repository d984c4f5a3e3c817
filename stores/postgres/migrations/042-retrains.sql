-- One retrain per model and window, and at most one open per model: both are keys, so that no race can break them.

create table aura.retrains (
  model aura.name not null references aura.models,
  -- Names the retrain beside its model; the schedule key of its run is 'retrain/' with this.
  time_window text not null,
  trigger text not null check (trigger in ('manual', 'schedule', 'drift', 'degradation', 'labels')),
  reason text not null,
  requested_by text not null,
  requester_authenticated boolean not null,
  request_key text not null unique,
  asked_at timestamptz not null default clock_timestamp(),
  state text not null default 'asked' check (state in ('asked', 'running', 'finished', 'failed', 'cancelled')),
  outcome text check (outcome in ('promoted', 'unchanged', 'refused', 'rejected', 'expired', 'waiting')),
  message text,
  finished_at timestamptz,
  primary key (model, time_window),
  check ((state in ('asked', 'running')) = (finished_at is null)),
  check (outcome is null or state = 'finished')
);
create unique index one_open_retrain_per_model on aura.retrains (model) where finished_at is null;
create index retrains_by_time on aura.retrains (asked_at desc);
create index retrains_by_model on aura.retrains (model, asked_at desc);
create index runs_by_schedule_key on aura.runs (model, schedule_key) where schedule_key is not null;

-- An alarm repeats: what was refused for the same cause is one row with its number.
create table aura.retrain_refusals (
  model aura.name not null,
  trigger text not null check (trigger in ('manual', 'schedule', 'drift', 'degradation', 'labels')),
  code text not null check (code in ('open', 'run', 'cool_down', 'off', 'no_champion')),
  -- The retrain or the run that was in the way; empty where none was.
  blocked_by text not null,
  message text not null,
  possible_at timestamptz,
  times integer not null default 1,
  first_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  last_key text not null,
  primary key (model, trigger, code, blocked_by)
);
create index retrain_refusals_by_time on aura.retrain_refusals (last_at desc);
