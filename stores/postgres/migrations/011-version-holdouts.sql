-- The holdout that each version was evaluated on. The model's own, which later runs keep, stays in aura.holdouts.
create table aura.version_holdouts (
  model aura.name not null,
  version integer not null,
  hash aura.sha256 not null,
  object_key text not null,
  object_sha256 aura.sha256 not null,
  object_bytes bigint not null,
  dataset_id aura.sha256 not null,
  primary key (model, version),
  foreign key (model, version) references aura.model_versions (model, version)
);

-- Registered so far: a version's evaluation names its holdout by hash.
insert into aura.version_holdouts (model, version, hash, object_key, object_sha256, object_bytes, dataset_id)
select v.model, v.version, h.hash, h.object_key, h.object_sha256, h.object_bytes, h.dataset_id
  from aura.model_versions v
  join aura.holdouts h on h.model = v.model and h.hash = v.evaluation ->> 'holdout';
