-- Which transaction wrote a score last. Who follows scores asks for those of transactions that it has not seen: their own times
-- say nothing of when they were stored, which may be minutes later where the database was away.
alter table aura.asset_scores add column written xid8 not null default pg_current_xact_id();
