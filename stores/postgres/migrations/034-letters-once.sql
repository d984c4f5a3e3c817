-- What is sent again because nobody answered must not be set aside again: what tells a letter from every other one, where anything does.
alter table aura.dead_letters add column identity aura.sha256;
create unique index dead_letters_once on aura.dead_letters (source_key, identity) where identity is not null;
-- How well what arrives fits is asked every minute, of the last hour.
create index dead_letters_by_time on aura.dead_letters using brin (received_at);
