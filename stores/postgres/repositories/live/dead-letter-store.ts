import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool } from "../../connection/connection-pool.ts";
import { storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port/actor.ts";
import type { DeadLetterRow, DeadLetterStore, LetterFilter, LetterState } from "../../port/dead-letters.ts";

const COLUMNS = `d.letter_id as id, l.source, d.adapter, d.code, d.message, d.asset, d.body, d.state,
  d.received_at as "receivedAt", d.settled_at as "settledAt", d.settled_by as "settledBy"`;

/** Readings that were set aside, until somebody mends or drops them. */
export class PostgresDeadLetterStore implements DeadLetterStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  list({ source, code, state, after, limit }: LetterFilter): Promise<DeadLetterRow[]> {
    return this.#pool.query(
      `select ${COLUMNS} from aura.dead_letters d join aura.live_sources l using (source_key)
        where ($1::text is null or l.source = $1) and ($2::text is null or d.code = $2)
          and ($3::text is null or d.state = $3) and ($4::bigint is null or d.letter_id < $4)
        order by d.letter_id desc limit $5`,
      [source ?? null, code ?? null, state ?? null, after ?? null, limit],
    );
  }

  async get(id: number): Promise<DeadLetterRow | undefined> {
    const [row] = await this.#pool.query<DeadLetterRow>(
      `select ${COLUMNS} from aura.dead_letters d join aura.live_sources l using (source_key) where d.letter_id = $1`,
      [id],
    );
    return row;
  }

  countOpen(): Promise<{ source: string; code: string; n: number }[]> {
    return this.#pool.query(
      `select l.source, d.code, count(*) as n from aura.dead_letters d join aura.live_sources l using (source_key)
        where d.state = 'open' group by l.source, d.code order by l.source, d.code`,
    );
  }

  settle(ids: readonly number[], state: Exclude<LetterState, "open">, audit: AuditEntry): Promise<number> {
    return this.#pool.transaction(async (tx) => {
      const settled = await tx.query(
        `update aura.dead_letters set state = $2, settled_at = clock_timestamp(), settled_by = $3
          where letter_id = any ($1) and state = 'open' returning letter_id`,
        [ids, state, storableText(audit.actor.id)],
      );
      if (settled.length > 0) await appendAudit(tx, audit);
      return settled.length;
    });
  }
}
