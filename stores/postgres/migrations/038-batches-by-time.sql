-- Batches are removed some time after their readings: those that are so old are found without reading all of them.
create index reading_batches_by_time on aura.reading_batches using brin (committed_at) with (autosummarize = on);
