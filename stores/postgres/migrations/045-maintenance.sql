-- Recommendations to do maintenance, and the work orders that come of them.

-- Which answers were looked at: live ones are followed by transaction, as alert rules follow them; fleet scores are marked.
create table aura.maintenance_watch (
  is_only boolean primary key default true check (is_only),
  scores_from xid8 not null default pg_current_xact_id()
);
insert into aura.maintenance_watch default values;
alter table aura.score_jobs add column is_watched boolean not null default true;
alter table aura.score_jobs alter column is_watched set default false;
create index score_jobs_unwatched on aura.score_jobs (created_at) where not is_watched;

-- How the answers of an asset went; of those that never called for maintenance there is no row.
create table aura.maintenance_states (
  model aura.name not null,
  asset_id aura.data_id not null,
  state json not null,
  changed_at timestamptz not null default clock_timestamp(),
  primary key (model, asset_id)
);

create table aura.recommendations (
  recommendation_id text primary key,
  model aura.name not null,
  asset_id aura.data_id not null,
  n integer not null check (n >= 1),
  state text not null default 'open' check (state in
    ('open', 'waiting', 'ordered', 'closed', 'rejected', 'expired', 'withdrawn')),
  version integer not null,
  digest aura.sha256 not null,
  -- As the pipeline declared it then.
  policy json not null,
  evidence json not null,
  latest json not null,
  prediction_ids text[] not null,
  -- Null until it is worked out.
  assessment json,
  approval_id text,
  recovered_at timestamptz,
  opened_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  closed_at timestamptz,
  unique (model, asset_id, n),
  check ((state in ('open', 'waiting', 'ordered')) = (closed_at is null))
);
create unique index recommendations_one_open on aura.recommendations (model, asset_id)
  where state in ('open', 'waiting', 'ordered');
create index recommendations_by_time on aura.recommendations (opened_at desc, recommendation_id desc);
create index recommendations_by_asset on aura.recommendations (asset_id, opened_at desc);
create index recommendations_by_prediction on aura.recommendations using gin (prediction_ids);
create index recommendations_unstarted on aura.recommendations (opened_at) where started_at is null;

create table aura.work_orders (
  work_order_id text primary key,
  recommendation_id text not null unique references aura.recommendations,
  state text not null default 'created' check (state in
    ('created', 'sent', 'undelivered', 'acknowledged', 'in_progress', 'closed')),
  -- As it is sent.
  document json not null,
  channel aura.name,
  external_id text,
  n_attempts integer not null default 0,
  status integer,
  reason text,
  outcome json,
  label_id text,
  created_at timestamptz not null default clock_timestamp(),
  sent_at timestamptz,
  closed_at timestamptz,
  check ((state = 'closed') = (outcome is not null)),
  check ((state = 'closed') = (closed_at is not null))
);
create index work_orders_by_time on aura.work_orders (created_at desc, work_order_id desc);

-- What was said of an order, each once by the sender's own id.
create table aura.work_order_events (
  work_order_id text not null references aura.work_orders,
  event_id text not null,
  position integer not null,
  kind text not null,
  document json not null,
  said_by text not null,
  authenticated boolean not null,
  at timestamptz not null default clock_timestamp(),
  primary key (work_order_id, event_id),
  unique (work_order_id, position)
);
create trigger work_order_events_append_only before update or delete on aura.work_order_events
  for each row execute function aura.refuse_change();
