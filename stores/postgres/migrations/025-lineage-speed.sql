-- From a run to what it registered: lineage of a dataset or file goes this way.
create index run_versions_by_run on aura.run_versions (run_id);
