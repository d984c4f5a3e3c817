import type { ConnectionPool, Transaction } from "../connection/connection-pool.ts";
import type { AuditAnchor, AuditEntry, AuditStore } from "../port.ts";
import { appendAudit, AUDIT_ROW_COLUMNS, chainHash, GENESIS } from "./audit-row.ts";
import type { AuditRow } from "./audit-row.ts";
import { ChainCheck } from "./chain-check.ts";
import type { ChainedRow } from "./chain-check.ts";

/** Rows chained in one transaction. */
const SEAL_BATCH = 10_000;
const FETCH_ROWS = 10_000;
const SEALER_LOCK = 0x7365616c;

/** Audit log in PostgreSQL: append in the effect's transaction, chain afterwards, check by one ordered pass. */
export class PostgresAuditStore implements AuditStore {
  readonly #pool: ConnectionPool;
  readonly #onAnchor: ((anchor: AuditAnchor) => Promise<void>) | undefined;

  constructor(pool: ConnectionPool, onAnchor?: (anchor: AuditAnchor) => Promise<void>) {
    this.#pool = pool;
    this.#onAnchor = onAnchor;
  }

  append(entry: AuditEntry): Promise<void> {
    return appendAudit(this.#pool, entry);
  }

  async list(filter: {
    subject?: string;
    limit: number;
    after?: number;
  }): Promise<(AuditEntry & { seq: number; at: string })[]> {
    const rows = await this.#pool.query<ListedRow>(
      `select seq, at, actor_id, actor_role, actor_authenticated, actor_sites, action, subject, outcome, reason, details
         from aura.audit_log
        where ($1::text is null or subject = $1) and ($2::bigint is null or seq < $2)
        order by seq desc limit $3`,
      [filter.subject ?? null, filter.after ?? null, filter.limit],
    );
    return rows.map(entryOf);
  }

  async seal(): Promise<number> {
    let sealed = 0;
    for (;;) {
      const { rows, anchor } = await this.#pool.transaction(sealBatch);
      sealed += rows;
      if (anchor !== undefined) await this.#onAnchor?.(anchor);
      if (rows < SEAL_BATCH) return sealed;
    }
  }

  verify(
    expected?: AuditAnchor,
  ): Promise<{ ok: boolean; rows: number; unsealed: number; firstBad?: number; head: string }> {
    return this.#pool.transaction(async (tx) => {
      // One snapshot for log, seals and anchors, or a seal made meanwhile would look like damage.
      await tx.query("set transaction isolation level repeatable read read only");
      await tx.query("set local statement_timeout = 0");
      const anchors = await tx.query<{ position: number; hash: Buffer }>(
        "select position, hash from aura.audit_anchors order by position",
      );
      const check = new ChainCheck([
        ...anchors.map((a) => ({ position: a.position, head: a.hash.toString("hex") })),
        ...(expected === undefined ? [] : [expected]),
      ]);
      await eachChainedRow(tx, (row) => check.add(row));
      return check.result();
    });
  }
}

interface ListedRow {
  readonly seq: number;
  readonly at: string;
  readonly actor_id: string;
  readonly actor_role: AuditEntry["actor"]["role"];
  readonly actor_authenticated: boolean;
  readonly actor_sites: string[] | null;
  readonly action: string;
  readonly subject: string;
  readonly outcome: AuditEntry["outcome"];
  readonly reason: string | null;
  readonly details: Record<string, unknown> | null;
}

function entryOf(row: ListedRow): AuditEntry & { seq: number; at: string } {
  return {
    seq: row.seq,
    at: row.at,
    actor: {
      id: row.actor_id,
      role: row.actor_role,
      authenticated: row.actor_authenticated,
      ...(row.actor_sites === null ? {} : { sites: row.actor_sites }),
    },
    action: row.action,
    subject: row.subject,
    outcome: row.outcome,
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.details === null ? {} : { details: row.details }),
  };
}

/** Chains the oldest waiting rows. A second sealer at the same time does nothing. */
async function sealBatch(tx: Transaction): Promise<{ rows: number; anchor?: AuditAnchor }> {
  const [lock] = await tx.query<{ taken: boolean }>("select pg_try_advisory_xact_lock($1) as taken", [
    SEALER_LOCK,
  ]);
  if (lock?.taken !== true) return { rows: 0 };
  const waiting = await tx.query<AuditRow>(
    `select ${AUDIT_ROW_COLUMNS} from aura.audit_unsealed u join aura.audit_log l using (seq)
      order by u.seq limit $1`,
    [SEAL_BATCH],
  );
  if (waiting.length === 0) return { rows: 0 };
  const [head] = await tx.query<{ position: number; hash: Buffer }>(
    "select position, hash from aura.audit_seals order by position desc limit 1",
  );
  const first = (head?.position ?? 0) + 1;
  const hashes: Buffer[] = [];
  for (const row of waiting) hashes.push(chainHash(hashes.at(-1) ?? head?.hash ?? GENESIS, row));
  const last = hashes.at(-1) ?? GENESIS;
  const seqs = waiting.map((r) => r.seq);
  await tx.query(
    `insert into aura.audit_seals (position, seq, hash)
     select $1 + n - 1, seq, decode(hash, 'hex')
       from unnest($2::bigint[], $3::text[]) with ordinality as u (seq, hash, n)`,
    [first, seqs, hashes.map((h) => h.toString("hex"))],
  );
  await tx.query("delete from aura.audit_unsealed where seq = any ($1::bigint[])", [seqs]);
  const position = first + waiting.length - 1;
  await tx.query("insert into aura.audit_anchors (position, hash) values ($1, $2)", [position, last]);
  return { rows: waiting.length, anchor: { position, head: last.toString("hex") } };
}

/** Log and seals joined both ways, in chain order, unsealed rows last; through a cursor, so memory stays bounded. */
async function eachChainedRow(tx: Transaction, visit: (row: ChainedRow) => void): Promise<void> {
  await tx.query(
    `declare chain no scroll cursor for
     select ${AUDIT_ROW_COLUMNS}, s.position, s.seq as sealed_seq, s.hash,
            exists (select from aura.audit_unsealed u where u.seq = l.seq) as is_waiting
       from aura.audit_log l full join aura.audit_seals s on s.seq = l.seq
      order by s.position nulls last, l.seq`,
  );
  for (;;) {
    const rows = await tx.query<ChainedRow>(`fetch ${FETCH_ROWS} from chain`);
    for (const row of rows) visit(row);
    if (rows.length < FETCH_ROWS) return;
  }
}
