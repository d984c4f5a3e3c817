-- Alert rules, the stored state they are evaluated on, what happened to alerts in order, and who was told.

create table aura.alert_rules (
  rule aura.name primary key,
  document json not null,
  sha256 aura.sha256 not null,
  actor text not null,
  created_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp(),
  -- Last look of a rule that looks every few minutes.
  scanned_at timestamptz
);

create table aura.alert_channels (
  channel aura.name primary key,
  document json not null,
  sha256 aura.sha256 not null,
  actor text not null,
  created_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp()
);

alter table aura.alerts
  add column rule aura.name,
  add column asset_id text,
  add column labels json not null default '{}',
  add column comment text;
-- One open alert per asset and rule.
create unique index alerts_one_open on aura.alerts (rule, asset_id) where rule is not null and resolved_at is null;
create index alerts_by_asset on aura.alerts (asset_id, alert_id desc) where asset_id is not null;

-- The one evaluation: how far readings were looked at, and who looks. What comes of readings is written in the transaction
-- that moves the position, so that a crash loses nothing and repeats nothing.
create table aura.alert_evaluation (
  is_only boolean primary key default true check (is_only),
  tx xid8,
  batch_id bigint,
  -- Raised by whoever else changes rules or states.
  revision bigint not null default 0,
  owner uuid,
  lease_until timestamptz not null default '-infinity',
  watched_at timestamptz,
  -- Since when somebody has looked without a pause.
  listening_since timestamptz not null default clock_timestamp()
);
insert into aura.alert_evaluation default values;

-- The newest place of each asset that was looked at, by stream: source/<name> or model/<name>.
create table aura.alert_streams (
  stream text not null,
  asset_id text not null,
  epoch integer not null,
  ts bigint not null,
  seq integer not null,
  heard_at timestamptz not null,
  primary key (stream, asset_id)
);

-- States that are not quiet; of quiet ones there is no row. What a rule looks at may be no asset: platform/<metric>.
create table aura.alert_states (
  rule aura.name not null references aura.alert_rules on delete cascade,
  asset_id text not null,
  state json not null,
  changed_at timestamptz not null default clock_timestamp(),
  primary key (rule, asset_id)
);

-- What happened, in order: whoever writes one holds a lock to the end of its transaction, so that a higher id never
-- becomes visible before a lower one, and an id is a cursor.
create table aura.alert_events (
  event_id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  kind text not null check (kind in
    ('pending', 'withdrawn', 'raised', 'acknowledged', 'cleared', 'reminded', 'escalated')),
  -- Null while only pending.
  alert_id bigint references aura.alerts,
  rule aura.name,
  asset_id text,
  -- Key of the alert's workflow.
  alarm_key text not null,
  -- The alert as it was then, as the API gives it.
  alert json
);
create index alert_events_by_alert on aura.alert_events (alert_id, event_id);

create table aura.alert_deliveries (
  delivery_id bigint generated always as identity primary key,
  event_id bigint not null references aura.alert_events,
  channel aura.name not null,
  -- 0, or which replay it is.
  replay integer not null default 0 check (replay >= 0),
  state text not null default 'waiting' check (state in ('waiting', 'delivered', 'failed')),
  n_attempts integer not null default 0,
  status integer,
  reason text,
  created_at timestamptz not null default clock_timestamp(),
  settled_at timestamptz,
  unique (event_id, channel, replay)
);

-- How far events were given to the alarms' workflows.
create table aura.alert_dispatch (
  is_only boolean primary key default true check (is_only),
  event_id bigint not null default 0
);
insert into aura.alert_dispatch default values;

-- What the processes measure of themselves.
create table aura.platform_samples (
  metric text not null,
  process text not null,
  at timestamptz not null default clock_timestamp(),
  value double precision not null,
  primary key (metric, process, at)
);
