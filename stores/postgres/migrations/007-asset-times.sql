-- First and last time of an asset are text: ISO 8601 for timestamps, the number for cycles, '' where a source has no time.
alter table aura.dataset_assets
  alter column first_t type text using first_t::text,
  alter column last_t type text using last_t::text;
