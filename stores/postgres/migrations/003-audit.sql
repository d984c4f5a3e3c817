-- Audit: rows are written in the effect's transaction and never changed. A sealer chains them afterwards,
-- so that writers do not queue on the chain's head; what waits for it stands in audit_unsealed.

create function aura.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;

create table aura.audit_log (
  seq bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  actor_id text not null,
  actor_role text not null check (actor_role in ('viewer', 'operator', 'approver', 'admin', 'system')),
  actor_authenticated boolean not null,
  actor_sites json,
  action text not null,
  subject text not null,
  outcome text not null check (outcome in ('ok', 'refused')),
  reason text,
  details json
);
create index audit_log_by_subject on aura.audit_log (subject, seq);

create table aura.audit_unsealed (seq bigint primary key);

create function aura.queue_for_sealing() returns trigger language plpgsql as $$
begin
  insert into aura.audit_unsealed (seq) values (new.seq);
  return null;
end $$;
create trigger audit_log_queue after insert on aura.audit_log
  for each row execute function aura.queue_for_sealing();

-- position counts the chain without gaps; seq has gaps where transactions were rolled back.
create table aura.audit_seals (
  position bigint primary key,
  seq bigint not null unique,
  hash bytea not null check (octet_length(hash) = 32)
);

create table aura.audit_anchors (
  position bigint primary key,
  hash bytea not null check (octet_length(hash) = 32),
  anchored_at timestamptz not null default clock_timestamp()
);

create trigger audit_log_append_only before update or delete on aura.audit_log
  for each row execute function aura.refuse_change();
create trigger audit_log_no_truncate before truncate on aura.audit_log
  for each statement execute function aura.refuse_change();
create trigger audit_seals_append_only before update or delete on aura.audit_seals
  for each row execute function aura.refuse_change();
create trigger audit_seals_no_truncate before truncate on aura.audit_seals
  for each statement execute function aura.refuse_change();
create trigger audit_anchors_append_only before update or delete on aura.audit_anchors
  for each row execute function aura.refuse_change();
create trigger audit_anchors_no_truncate before truncate on aura.audit_anchors
  for each statement execute function aura.refuse_change();
