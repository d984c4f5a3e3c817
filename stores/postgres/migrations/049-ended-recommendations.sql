-- Recommendations whose workflow was cancelled, failed or is gone: the row ends as well, and says why.
alter table aura.recommendations add column reason text;
alter table aura.recommendations drop constraint recommendations_state_check;
alter table aura.recommendations add constraint recommendations_state_check check (state in
  ('open', 'waiting', 'ordered', 'closed', 'rejected', 'expired', 'withdrawn', 'cancelled', 'failed'));
-- Those that are followed by a workflow, in the order in which they are looked after.
create index recommendations_followed on aura.recommendations (opened_at, recommendation_id)
  where state in ('open', 'waiting', 'ordered') and started_at is not null;
