-- Maintenance reports and logs: text about assets, found by its words.
create table aura.documents (
  document_id bigint generated always as identity primary key,
  title text not null,
  kind text not null check (kind in ('report', 'log', 'note', 'manual')),
  at timestamptz not null,
  object_key text not null,
  object_sha256 aura.sha256 not null,
  object_bytes bigint not null,
  media_type text not null,
  body text not null,
  words tsvector generated always as
    (setweight(to_tsvector('simple', title), 'A') || to_tsvector('simple', left(body, 200000))) stored,
  actor text not null,
  created_at timestamptz not null default clock_timestamp()
);
create index documents_by_words on aura.documents using gin (words);
create index documents_by_time on aura.documents (at desc, document_id desc);

-- Any id: a report may be about an asset before anything else is known of it.
create table aura.document_assets (
  document_id bigint not null references aura.documents on delete cascade,
  asset_id aura.data_id not null,
  primary key (document_id, asset_id)
);
create index document_assets_by_asset on aura.document_assets (asset_id, document_id desc);
