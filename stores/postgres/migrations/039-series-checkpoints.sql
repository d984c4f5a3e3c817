-- What features of whole lives know of readings that no window reaches back to: with it a scorer computes an asset's features from
-- the end of its readings instead of from all of them. A cache: a row may be lost at any time, and is used only where the readings
-- that lead up to it are still the same.
create table aura.series_checkpoints (
  model aura.name not null,
  asset_id aura.data_id not null,
  source_key integer not null references aura.live_sources on delete cascade,
  digest aura.sha256 not null,
  checkpoint json not null,
  made_at timestamptz not null default clock_timestamp(),
  primary key (model, asset_id)
);
