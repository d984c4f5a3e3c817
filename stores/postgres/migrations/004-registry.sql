-- Models, versions, approvals and aliases. The unique keys below are the invariants:
-- one champion per model, a linear alias history, one promotion per request and per approval.

create table aura.models (
  model aura.name primary key,
  next_version integer not null default 1,
  created_at timestamptz not null default clock_timestamp()
);

create table aura.model_versions (
  model aura.name not null references aura.models,
  version integer not null check (version >= 1),
  digest aura.sha256 not null,
  manifest json not null,
  evaluation json not null,
  gates json not null default '[]',
  dataset_id aura.sha256 not null,
  run_id text not null,
  stage text not null default 'candidate' check (stage in ('candidate', 'staging', 'production', 'archived')),
  created_at timestamptz not null default clock_timestamp(),
  primary key (model, version),
  unique (model, digest),
  unique (model, version, digest)
);
create unique index one_production_version_per_model on aura.model_versions (model) where stage = 'production';
create index model_versions_by_dataset on aura.model_versions (dataset_id);

-- Which version a run registered. Two runs may arrive at the same digest, so it is a table of its own.
create table aura.run_versions (
  model aura.name not null,
  run_id text not null,
  version integer not null,
  primary key (model, run_id),
  foreign key (model, version) references aura.model_versions (model, version)
);
create index run_versions_by_version on aura.run_versions (model, version);

create table aura.holdouts (
  model aura.name not null,
  revision integer not null check (revision >= 1),
  hash aura.sha256 not null,
  object_key text not null,
  object_sha256 aura.sha256 not null,
  object_bytes bigint not null,
  dataset_id aura.sha256 not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (model, revision),
  unique (model, hash)
);

create table aura.approvals (
  approval_id text primary key,
  kind text not null,
  subject text not null,
  digest text not null,
  model aura.name not null,
  version integer not null,
  workflow_id text not null,
  requested_by text not null,
  requester_authenticated boolean not null,
  policy json not null,
  evidence json not null,
  state text not null default 'waiting' check (state in ('waiting', 'approved', 'rejected', 'expired')),
  deadline timestamptz not null,
  -- People added at the deadline; null until it was escalated.
  escalated_to json,
  created_at timestamptz not null default clock_timestamp(),
  decided_at timestamptz,
  check ((state = 'waiting') = (decided_at is null))
);
create index approvals_by_state on aura.approvals (state, created_at desc);
create index approvals_by_version on aura.approvals (model, version);

create table aura.approval_decisions (
  approval_id text not null references aura.approvals,
  decision_id text not null,
  decision text not null check (decision in ('approve', 'reject')),
  decided_by text not null,
  authenticated boolean not null,
  channel text not null check (channel in ('api', 'cli', 'signal', 'console')),
  reason text not null,
  position integer not null,
  at timestamptz not null default clock_timestamp(),
  primary key (approval_id, decision_id),
  unique (approval_id, position),
  unique (approval_id, decided_by)
);

-- position is per (model, alias); previous_position = position - 1 must exist: the history is one line.
create table aura.alias_events (
  model aura.name not null,
  alias text not null check (alias in ('champion', 'challenger', 'shadow')),
  position integer not null check (position >= 1),
  previous_position integer,
  version integer not null,
  digest aura.sha256 not null,
  previous_version integer,
  request_id text not null,
  approval_id text references aura.approvals,
  actor_id text not null,
  actor_authenticated boolean not null,
  reason text not null,
  -- In whole milliseconds, as callers see it: asking for the champion at an event's own time finds that event.
  at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  primary key (model, alias, position),
  unique (model, alias, request_id),
  unique (approval_id, alias),
  check ((position = 1) = (previous_position is null)),
  check (previous_position is null or previous_position = position - 1),
  foreign key (model, alias, previous_position) references aura.alias_events (model, alias, position),
  foreign key (model, version, digest) references aura.model_versions (model, version, digest)
);
create index alias_events_by_time on aura.alias_events (model, alias, at desc);

create trigger alias_events_append_only before update or delete on aura.alias_events
  for each row execute function aura.refuse_change();
create trigger alias_events_no_truncate before truncate on aura.alias_events
  for each statement execute function aura.refuse_change();
create trigger approval_decisions_append_only before update or delete on aura.approval_decisions
  for each row execute function aura.refuse_change();

-- Where each alias points now; kept by the transaction that appends the event.
create table aura.aliases (
  model aura.name not null,
  alias text not null,
  position integer not null,
  version integer not null,
  primary key (model, alias),
  foreign key (model, alias, position) references aura.alias_events (model, alias, position)
);

create table aura.outbox (
  message_id bigint generated always as identity primary key,
  topic text not null,
  payload json not null,
  created_at timestamptz not null default clock_timestamp(),
  sent_at timestamptz
);
create index outbox_unsent on aura.outbox (message_id) where sent_at is null;
