-- Written at every promotion and read by nobody: instances learn by NOTIFY and poll, alias_events is the history.
drop table aura.outbox;
