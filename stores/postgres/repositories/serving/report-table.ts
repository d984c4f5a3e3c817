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
  /** Kind of the alert that a confirmed one raises. */
  readonly alertKind: string;
  /** What a report is called in errors. */
  readonly name: string;
}

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
