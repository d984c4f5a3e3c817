import { canonicalJson, sha256Hex } from "../../../../schemas/canonical-json.ts";
import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, Sql, Transaction } from "../../connection/connection-pool.ts";
import { json } from "../../connection/row-types.ts";
import type { Actor, AuditEntry } from "../../port/actor.ts";
import type { DeclarationStore, DeclaredRow } from "../../port/alert-rules.ts";
import type { AlertChannel } from "../../../../schemas/alerts/alert-channel.ts";
import type { AlertRule } from "../../../../schemas/alerts/alert-rule.ts";
import type { AlertSilence } from "../../../../schemas/alerts/alert-silence.ts";
import type { AlertRow } from "../../port/alerts.ts";
import { ALERT_COLUMNS } from "../serving/alert-store.ts";
import { appendEventOf } from "./alert-events.ts";

interface DeclarationTable {
  /** Constants of this file: they become part of statements. */
  readonly table: "alert_rules" | "alert_channels" | "alert_silences";
  readonly nameColumn: "rule" | "channel" | "silence";
  /** As audit rows call it. */
  readonly subject: string;
  /** What a change means for others, in its transaction and before it. */
  readonly onChange: (tx: Transaction, name: string, isRemoved: boolean) => Promise<void>;
}

class PostgresDeclarationStore<T extends { readonly name: string }> implements DeclarationStore<T> {
  readonly #pool: ConnectionPool;
  readonly #of: DeclarationTable;

  constructor(pool: ConnectionPool, of: DeclarationTable) {
    this.#pool = pool;
    this.#of = of;
  }

  put(document: T, actor: Actor): Promise<DeclaredRow<T> & { readonly isNew: boolean }> {
    const { table, nameColumn, subject, onChange } = this.#of;
    const sha256 = sha256Hex(canonicalJson(document));
    return this.#pool.transaction(async (tx) => {
      const before = await this.#find(tx, document.name);
      if (before?.sha256 === sha256) return { ...before, isNew: false };
      await onChange(tx, document.name, false);
      await tx.query(
        `insert into aura.${table} as d (${nameColumn}, document, sha256, actor) values ($1, $2, $3, $4)
         on conflict (${nameColumn}) do update set document = excluded.document, sha256 = excluded.sha256,
           actor = excluded.actor, changed_at = clock_timestamp()`,
        [document.name, json(document), sha256, actor.id],
      );
      await appendAudit(tx, {
        actor,
        action: `${subject}.put`,
        subject: `${subject}/${document.name}`,
        outcome: "ok",
        details: { sha256 },
      });
      const row = await this.#find(tx, document.name);
      if (row === undefined) throw new Error(`${subject} ${document.name}: it was not written`);
      return { ...row, isNew: true };
    });
  }

  get(name: string): Promise<DeclaredRow<T> | undefined> {
    return this.#find(this.#pool, name);
  }

  list(): Promise<DeclaredRow<T>[]> {
    const { table, nameColumn } = this.#of;
    return this.#pool.query(`${this.#select} from aura.${table} order by ${nameColumn}`);
  }

  remove(name: string, audit: AuditEntry): Promise<boolean> {
    const { table, nameColumn, onChange } = this.#of;
    return this.#pool.transaction(async (tx) => {
      await onChange(tx, name, true);
      const removed = await tx.query(`delete from aura.${table} where ${nameColumn} = $1 returning 1`, [
        name,
      ]);
      if (removed.length > 0) await appendAudit(tx, audit);
      return removed.length > 0;
    });
  }

  get #select(): string {
    return `select ${this.#of.nameColumn} as name, document, sha256, actor, changed_at as "changedAt"`;
  }

  async #find(sql: Sql, name: string): Promise<DeclaredRow<T> | undefined> {
    const { table, nameColumn } = this.#of;
    const [row] = await sql.query<DeclaredRow<T>>(
      `${this.#select} from aura.${table} where ${nameColumn} = $1`,
      [name],
    );
    return row;
  }
}

/** Rules; the evaluator is made to read them and the states anew. */
export function alertRuleStore(pool: ConnectionPool): DeclarationStore<AlertRule> {
  return new PostgresDeclarationStore(pool, {
    table: "alert_rules",
    nameColumn: "rule",
    subject: "alert-rule",
    onChange: beginAnew,
  });
}

export function alertChannelStore(pool: ConnectionPool): DeclarationStore<AlertChannel> {
  return new PostgresDeclarationStore(pool, {
    table: "alert_channels",
    nameColumn: "channel",
    subject: "alert-channel",
    onChange: refuseWhileNamed,
  });
}

export function alertSilenceStore(pool: ConnectionPool): DeclarationStore<AlertSilence> {
  return new PostgresDeclarationStore(pool, {
    table: "alert_silences",
    nameColumn: "silence",
    subject: "alert-silence",
    onChange: async () => undefined,
  });
}

/** Alerts of a rule that names a channel which is gone reach nobody. */
async function refuseWhileNamed(tx: Transaction, channel: string, isRemoved: boolean): Promise<void> {
  if (!isRemoved) return;
  const rules = await tx.query<{ rule: string }>(
    `select rule from aura.alert_rules, lateral (select document::jsonb->'notify' as notify) d
      where (notify->'channels' ? $1 or notify->'escalate'->'channels' ? $1)
        and exists (select from aura.alert_channels where channel = $1) order by rule limit 21`,
    [channel],
  );
  if (rules.length === 0) return;
  const names = rules.slice(0, 20).map(({ rule }) => rule);
  throw new PlatformError(
    "conflict",
    `remove alert channel ${channel}: alert rules name it [${names.join(", ")}${rules.length > 20 ? ", …" : ""}]; take it out of their notify first`,
  );
}

/** What was pending was so by the rule as it was; what is raised stays until the new one clears it. */
async function beginAnew(tx: Transaction, rule: string, isRemoved: boolean): Promise<void> {
  await tx.query("update aura.alert_evaluation set revision = revision + 1");
  await tx.query("delete from aura.alert_states where rule = $1 and ($2 or state->>'phase' <> 'raised')", [
    rule,
    isRemoved,
  ]);
  if (!isRemoved) return;
  const cleared = await tx.query<AlertRow>(
    `update aura.alerts set resolved_at = clock_timestamp() where rule = $1 and resolved_at is null
     returning ${ALERT_COLUMNS}`,
    [rule],
  );
  for (const alert of cleared) await appendEventOf(tx, "cleared", alert);
}
