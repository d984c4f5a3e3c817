-- What is true of an asset at a time depends on the label's horizon and cap: each view has labels of its own.
-- Labels written before name no view.
alter table aura.labels add column view_hash text not null default '';
alter table aura.labels drop constraint labels_pkey;
alter table aura.labels add primary key (dataset_id, view_hash, asset_id, t, kind);
alter table aura.labels alter column view_hash drop default;
