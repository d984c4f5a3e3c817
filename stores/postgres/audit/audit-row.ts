import { createHash } from "node:crypto";
import type { Sql } from "../connection/connection-pool.ts";
import { json, storableText } from "../connection/row-types.ts";
import type { AuditEntry } from "../port.ts";

/** One row of `audit_log` as it is chained: every column, times in microseconds, documents as stored text. */
export interface AuditRow {
  readonly seq: number;
  readonly at_us: string;
  readonly actor_id: string;
  readonly actor_role: string;
  readonly actor_authenticated: boolean;
  readonly actor_sites: string | null;
  readonly action: string;
  readonly subject: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly details: string | null;
}

/** Columns of `AuditRow` over a table called `l`. */
export const AUDIT_ROW_COLUMNS = `l.seq, (extract(epoch from l.at) * 1000000)::bigint::text as at_us, l.actor_id,
  l.actor_role, l.actor_authenticated, l.actor_sites::text as actor_sites, l.action, l.subject, l.outcome, l.reason,
  l.details::text as details`;

/** Hash before the first row. */
export const GENESIS: Buffer = Buffer.alloc(32);

/** hash(n) = SHA-256(hash(n−1) ‖ JSON array of the row's columns in the order of `AuditRow`). */
export function chainHash(previous: Uint8Array, row: AuditRow): Buffer {
  const text = JSON.stringify([
    row.seq,
    row.at_us,
    row.actor_id,
    row.actor_role,
    row.actor_authenticated,
    row.actor_sites,
    row.action,
    row.subject,
    row.outcome,
    row.reason,
    row.details,
  ]);
  return createHash("sha256").update(previous).update(text).digest();
}

/** Writes one audit row; `sql` is the transaction of the effect it tells of. */
export async function appendAudit(sql: Sql, entry: AuditEntry): Promise<void> {
  const { keyId } = entry.actor;
  const details = keyId === undefined ? entry.details : { ...entry.details, key: keyId };
  await sql.query(
    `insert into aura.audit_log
       (actor_id, actor_role, actor_authenticated, actor_sites, action, subject, outcome, reason, details, entry_key)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (entry_key) where entry_key is not null do nothing`,
    [
      storableText(entry.actor.id),
      entry.actor.role,
      entry.actor.authenticated,
      entry.actor.sites === undefined ? null : json(entry.actor.sites),
      storableText(entry.action),
      storableText(entry.subject),
      entry.outcome,
      entry.reason === undefined ? null : storableText(entry.reason),
      details === undefined ? null : json(details),
      entry.key === undefined ? null : storableText(entry.key),
    ],
  );
}
