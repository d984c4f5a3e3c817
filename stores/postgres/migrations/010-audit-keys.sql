-- A row that is written outside of a transaction of its effect carries a key: tried again, it is written once.
-- The key is for writing only and no part of the chain.
alter table aura.audit_log add column entry_key text;
create unique index audit_log_once on aura.audit_log (entry_key) where entry_key is not null;
