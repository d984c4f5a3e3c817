-- What a fleet score means and what of the files it rests on. Jobs of an earlier release have none: they are asked anew.
alter table aura.score_jobs add column summary json;
alter table aura.scores
  add column n_readings integer,
  add column is_short boolean,
  add column n_missing integer;
