-- While a silence lasts nobody is told of the alerts that it covers; what was not told is a delivery that says so.
create table aura.alert_silences (
  silence aura.name primary key,
  document json not null,
  sha256 aura.sha256 not null,
  actor text not null,
  created_at timestamptz not null default clock_timestamp(),
  changed_at timestamptz not null default clock_timestamp()
);

alter table aura.alert_deliveries drop constraint alert_deliveries_state_check;
alter table aura.alert_deliveries add constraint alert_deliveries_state_check
  check (state in ('waiting', 'delivered', 'failed', 'silenced'));
