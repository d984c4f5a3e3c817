-- Keys that are limited to sites ask for the assets there.
create index assets_by_site on aura.assets (site_id, asset_id);
