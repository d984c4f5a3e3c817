-- Sources that take no readings any more. A version is retired, not taken away: its readings are there still, and the next
-- version brings the source back.

create table aura.source_retirements (
  source_key integer not null,
  version integer not null,
  actor text not null,
  retired_at timestamptz not null default clock_timestamp(),
  primary key (source_key, version),
  foreign key (source_key, version) references aura.source_versions
);
