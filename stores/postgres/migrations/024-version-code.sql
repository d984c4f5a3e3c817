-- What code made a version: release, hash of its sources, Node.js and machine. Null: registered before it was recorded.
alter table aura.model_versions add column code json;
