-- A decision by the requester counts where nobody is known, that is without keys; it is told apart.
alter table aura.approval_decisions add column self_approved boolean not null default false;
