-- Originals added to a pipeline between its runs; retraining reads them beside those of the champion's run.

create table aura.pipeline_files (
  pipeline aura.name not null,
  name text not null,
  object_key text not null,
  object_sha256 aura.sha256 not null,
  object_bytes bigint not null,
  added_by text not null,
  added_at timestamptz not null default clock_timestamp(),
  primary key (pipeline, name)
);
