import type { ConnectionPool } from "../../connection/connection-pool.ts";
import type { ConflictFilter, ReadingConflict } from "../../port/live.ts";

/** Readings that came later under the key of another one, newest first. */
export function listConflicts(
  pool: ConnectionPool,
  { source, asset, after, limit }: ConflictFilter,
): Promise<ReadingConflict[]> {
  return pool.query(
    `select c.conflict_id as id, a.asset_id as asset, l.source, c.epoch, c.ts, c.seq, c.kept, c.refused, c.at
       from aura.reading_conflicts c join aura.reading_series s using (series_key)
       join aura.assets a using (asset_key) join aura.live_sources l using (source_key)
      where ($1::text is null or l.source = $1) and ($2::text is null or a.asset_id = $2)
        and ($3::bigint is null or c.conflict_id < $3)
      order by c.conflict_id desc limit $4`,
    [source ?? null, asset ?? null, after ?? null, limit],
  );
}
