-- How good each version turned out to be, check by check.
create table aura.performance_reports (
  report_id text primary key,
  model aura.name not null,
  version integer not null,
  digest aura.sha256 not null,
  checked_at timestamptz not null,
  state text not null check (state in ('ok', 'degraded', 'insufficient_labels', 'not_available')),
  confirmed boolean not null,
  metric text not null,
  value double precision,
  n_labelled bigint not null,
  report json not null,
  created_at timestamptz not null default clock_timestamp()
);
create index performance_reports_by_model on aura.performance_reports (model, checked_at desc, created_at desc);
