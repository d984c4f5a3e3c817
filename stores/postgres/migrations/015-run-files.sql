-- Originals a run was given: a run that failed at them made no dataset, and a bad file must lead to it all the same.
create table aura.run_files (
  run_id text not null references aura.runs,
  name text not null,
  object_key text not null,
  sha256 aura.sha256 not null,
  primary key (run_id, name, sha256)
);
create index run_files_by_hash on aura.run_files (sha256);
create index run_files_by_name on aura.run_files (name);
insert into aura.run_files (run_id, name, object_key, sha256)
  select r.run_id, f ->> 'name', f -> 'object' ->> 'key', f -> 'object' ->> 'sha256'
    from aura.runs r, json_array_elements(r.files) f
   -- A name with NUL cannot be text; such a run cannot have come to a dataset either.
   where strpos(r.files::text, '\u0000') = 0
  on conflict do nothing;

-- The ways from a file's name, and from a dataset or version to the fleets that were scored.
create index dataset_files_by_name on aura.dataset_files (name);
create index score_jobs_by_dataset on aura.score_jobs (dataset_id);
create index score_jobs_by_version on aura.score_jobs (model, version, created_at desc);
