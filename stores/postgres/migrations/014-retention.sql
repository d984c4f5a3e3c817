-- Objects of datasets whose retention is over. They are queued in the transaction that removes the rows and deleted
-- afterwards, so that a crash between the two loses neither.
create table aura.object_removals (
  object_key text primary key,
  pipeline aura.name not null,
  queued_at timestamptz not null default clock_timestamp()
);
create index dataset_files_by_object on aura.dataset_files (object_key);
