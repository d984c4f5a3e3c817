-- A change envelope that people approved may approve what nobody objects to.
alter table aura.approval_decisions drop constraint approval_decisions_channel_check;
alter table aura.approval_decisions add constraint approval_decisions_channel_check
  check (channel in ('api', 'cli', 'signal', 'console', 'policy'));
create index runs_by_approval on aura.runs (approval_id) where approval_id is not null;
