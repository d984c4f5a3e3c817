-- Whose a key is: people are compared by this, so that a second key of the same person is the same person.
alter table aura.api_keys add column owner text;
update aura.api_keys set owner = name;
alter table aura.api_keys alter column owner set not null;

-- Until now a request carried the id of its key.
update aura.approvals a set requested_by = k.owner
  from aura.api_keys k where a.requested_by = k.key_id and a.state = 'waiting';
