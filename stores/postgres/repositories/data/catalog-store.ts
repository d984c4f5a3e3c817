import { SCHEMA_CODES } from "../../../../schemas/live/intake.ts";
import type { ConnectionPool } from "../../connection/connection-pool.ts";
import type { CatalogDataset, CatalogStore, SchemaDrift } from "../../port/catalog.ts";

/** What there is, read from the records of those who made it. */
export class PostgresCatalogStore implements CatalogStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  datasets(): Promise<CatalogDataset[]> {
    return this.#pool.query(
      `select distinct on (pipeline) dataset_id as id, pipeline, owner, retention, manifest, created_at as "createdAt"
         from aura.datasets order by pipeline, created_at desc`,
    );
  }

  schemaDrift(since: string): Promise<SchemaDrift[]> {
    return this.#pool.query(
      `select l.source, c.received, c.stored, coalesce(d.misfits, 0) as misfits
         from aura.live_sources l
         join (select source_key, sum(n_received)::bigint as received, sum(n_stored)::bigint as stored
                 from aura.intake_counts
                where minute >= $1::timestamptz and adapter <> 'replay' group by source_key) c using (source_key)
         left join (select source_key, count(*) as misfits from aura.dead_letters
                     where received_at >= $1::timestamptz and code = any ($2) group by source_key) d using (source_key)
        order by l.source`,
      [since, SCHEMA_CODES],
    );
  }
}
