-- When a guard last looked at a rollout: what nobody watches is answered by no more.
alter table aura.rollouts add column watched_at timestamptz not null default clock_timestamp();
