-- A threshold is chosen by people and not learnt: it changes without another version, and every change stays recorded.
create table aura.threshold_events (
  model aura.name not null,
  version integer not null,
  position integer not null check (position >= 1),
  previous_position integer,
  threshold double precision not null check (threshold > '-Infinity' and threshold < 'Infinity'),
  -- What it was chosen by: a budget or a number, and what it would have done.
  basis json not null,
  actor_id text not null,
  actor_authenticated boolean not null,
  reason text not null,
  at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  primary key (model, version, position),
  check ((position = 1) = (previous_position is null)),
  check (previous_position is null or previous_position = position - 1),
  foreign key (model, version, previous_position) references aura.threshold_events (model, version, position),
  foreign key (model, version) references aura.model_versions (model, version)
);

create trigger threshold_events_append_only before update or delete on aura.threshold_events
  for each row execute function aura.refuse_change();
create trigger threshold_events_no_truncate before truncate on aura.threshold_events
  for each statement execute function aura.refuse_change();
