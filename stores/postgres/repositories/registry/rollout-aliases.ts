import type { Sql } from "../../connection/connection-pool.ts";
import { storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port.ts";
import type { RolloutRow } from "../../port/rollouts.ts";

/**
 * Lets `@shadow` or `@challenger` name the version that a rollout brings, by its mode; once it is over neither names any.
 * Their history, as the champion's, is a line of events; that a name was taken away is in the rollout's own events.
 */
export async function pointRolloutAlias(sql: Sql, row: RolloutRow, audit: AuditEntry): Promise<void> {
  const alias = row.mode === "shadow" ? "shadow" : "challenger";
  const kept = row.endedAt === null ? alias : "";
  await sql.query(
    "delete from aura.aliases where model = $1 and alias in ('shadow', 'challenger') and alias <> $2",
    [row.model, kept],
  );
  if (kept === "") return;
  const [named] = await sql.query<{ version: number }>(
    "select version from aura.aliases where model = $1 and alias = $2",
    [row.model, alias],
  );
  if (named?.version === row.version) return;
  const [last] = await sql.query<{ position: number; version: number }>(
    "select position, version from aura.alias_events where model = $1 and alias = $2 order by position desc limit 1",
    [row.model, alias],
  );
  const position = (last?.position ?? 0) + 1;
  await sql.query(
    `insert into aura.alias_events (model, alias, position, previous_position, version, digest, previous_version,
                                    request_id, actor_id, actor_authenticated, reason)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      row.model,
      alias,
      position,
      last?.position ?? null,
      row.version,
      row.digest,
      last?.version ?? null,
      `rollout/${row.id}/${row.revision}`,
      storableText(audit.actor.id),
      audit.actor.authenticated,
      `rollout ${row.id}`,
    ],
  );
  await sql.query(
    `insert into aura.aliases (model, alias, position, version) values ($1, $2, $3, $4)
     on conflict (model, alias) do update set position = excluded.position, version = excluded.version`,
    [row.model, alias, position, row.version],
  );
}
