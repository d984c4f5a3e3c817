-- A new version may score a reading that another one has scored: of scores the place of an asset names the version as well.
alter table aura.alert_streams add column version integer not null default 0;
