-- Deliveries that are past their retention, counted: what was ever told must not become less.
create table aura.alert_delivery_totals (
  channel aura.name not null,
  state text not null,
  n bigint not null,
  primary key (channel, state)
);
