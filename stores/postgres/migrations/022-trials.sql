-- A trial of a search: proposed by its number, its result written once.
alter table aura.trials
  add column number integer not null,
  add column state text not null check (state in ('complete', 'pruned', 'failed')),
  add column objectives json not null,
  add column loss double precision,
  add column folds json not null,
  add column seconds double precision not null,
  add column seed bigint not null,
  add column message text,
  add constraint trials_by_number unique (run_id, candidate, number);
