import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, SqlValue } from "../../connection/connection-pool.ts";
import type { AuditEntry } from "../../port/actor.ts";
import { raiseAlert, resolveAlerts } from "./alert-store.ts";

interface Verdict {
  readonly id: string;
  readonly model: string;
  readonly state: string;
  readonly confirmed: boolean;
}

interface ReportTableOptions {
  /** With the columns report_id, model, created_at and report. */
  readonly table: string;
  /** Select list of a verdict. */
  readonly verdict: string;
  /** Column of the time that reports are ordered by. */
  readonly time: string;
  /** Kind of the alert that a confirmed one raises, and the trigger of the retrain that it may start. */
  readonly alertKind: string;
  /** What a report is called in errors. */
  readonly name: string;
}

/** A confirmed finding asks for its retrain within this time. */
const ASKED_WITHIN = "1 hour";

/** Reports of checks of models, newest first: one table of them. */
export class ReportTable<Row extends Verdict, VerdictRow extends object> {
  readonly #pool: ConnectionPool;
  readonly #options: ReportTableOptions;

  constructor(pool: ConnectionPool, options: ReportTableOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /**
   * Keeps a report. A confirmed finding raises an alert in the same transaction, and `ok` resolves it.
   *
   * @param columns values by column
   * @param message of the alert
   * @returns the report that stands: of two with one id, the first
   */
  put(
    { id, model, state, confirmed }: Row,
    columns: Readonly<Record<string, SqlValue>>,
    { message, audit }: { readonly message: string; readonly audit: AuditEntry },
  ): Promise<Row> {
    const { table, alertKind: kind, name } = this.#options;
    const names = Object.keys(columns);
    return this.#pool.transaction(async (tx) => {
      const inserted = await tx.query(
        `insert into ${table} (report_id, ${names.join(", ")}) values ($1, ${names.map((_, i) => `$${i + 2}`).join(", ")})
         on conflict (report_id) do nothing returning report_id`,
        [id, ...Object.values(columns)],
      );
      const [standing] = await tx.query<Row>(this.#selectOne(), [id]);
      if (standing === undefined) throw new Error(`${name} [${id}]: the row just written is gone`);
      if (inserted.length === 0) return standing;
      const subject = `model/${model}`;
      if (confirmed)
        await raiseAlert(tx, {
          key: `${kind}/${id}`,
          kind,
          severity: "warning",
          subject,
          message,
          details: { report: id },
        });
      if (state === "ok") await resolveAlerts(tx, kind, subject);
      await appendAudit(tx, audit);
      return standing;
    });
  }

  list(model: string, limit: number): Promise<Row[]> {
    return this.#newestOf(`${this.#options.verdict}, report`, model, limit);
  }

  verdicts(model: string, limit: number): Promise<VerdictRow[]> {
    return this.#newestOf(this.#options.verdict, model, limit);
  }

  async get(id: string): Promise<Row | undefined> {
    const [row] = await this.#pool.query<Row>(this.#selectOne(), [id]);
    return row;
  }

  /** Goes from name to name through the index, as each model has many reports. */
  newest(): Promise<VerdictRow[]> {
    const { table, verdict, time } = this.#options;
    return this.#pool.query(
      `with recursive named as (
         (select model from ${table} order by model limit 1)
         union all
         select (select r.model from ${table} r where r.model > named.model order by r.model limit 1)
           from named where named.model is not null)
       select newest.* from named cross join lateral (
         select ${verdict} from ${table} r where r.model = named.model
          order by ${time} desc, created_at desc limit 1) newest`,
      [],
    );
  }

  /**
   * Forgets reports written before `before`, oldest first. Of each version the newest stays, and what others refer to: a report
   * whose alert is on record, and one that a retrain was asked for.
   *
   * @returns how many, at most `limit`
   */
  async expire(before: string, limit: number): Promise<number> {
    const { table, time, alertKind } = this.#options;
    const gone = await this.#pool.query(
      `delete from ${table} where report_id in (
         select r.report_id from ${table} r
          where r.created_at < $1
            and exists (select from ${table} n where n.model = r.model and n.version = r.version
                           and (n.${time}, n.created_at, n.report_id) > (r.${time}, r.created_at, r.report_id))
            and not exists (select from aura.alerts a where a.alert_key = $3 || '/' || r.report_id)
            and not exists (select from aura.retrains t where r.confirmed and t.model = r.model and t.trigger = $3
                               and t.asked_at between r.created_at and r.created_at + $4::interval)
          order by r.created_at, r.report_id limit $2)
       returning report_id`,
      [before, limit, alertKind, ASKED_WITHIN],
    );
    return gone.length;
  }

  #selectOne(): string {
    const { table, verdict } = this.#options;
    return `select ${verdict}, report from ${table} where report_id = $1`;
  }

  #newestOf<T extends object>(columns: string, model: string, limit: number): Promise<T[]> {
    const { table, time } = this.#options;
    return this.#pool.query<T>(
      `select ${columns} from ${table} where model = $1 order by ${time} desc, created_at desc limit $2`,
      [model, limit],
    );
  }
}
