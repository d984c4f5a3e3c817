-- A retry after a crash finds what its own run computed: that is no reuse. Null: written before runs were named.
alter table aura.stage_cache add column run_id text;
