-- What a prediction is about, so that a label that comes later finds it, and what it was made for: a shadow answers nobody.
alter table aura.prediction_index
  add column t double precision,
  add column role text not null default 'answer' check (role in ('answer', 'shadow'));
