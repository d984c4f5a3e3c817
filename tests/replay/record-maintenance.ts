import pg from "pg";
import { maintenanceSchema } from "../../schemas/pipeline/maintenance.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { ApprovalRow, Database } from "../../stores/postgres/port.ts";
import { maintenanceApprovalId } from "../../temporal-config/constants.ts";
import type { Answer } from "../../schemas/maintenance/answer.ts";
import type { WorkOrderEvent } from "../../schemas/maintenance/work-order.ts";
import { inMs, untilAnswered } from "../faults/patience.ts";

const WAIT_MS = 60_000;
const DIGEST = "a".repeat(64);
const actor = { id: "ana", role: "operator", authenticated: true } as const;

/** Recommendations as the watcher would open them, each of an asset of its own. */
export class RecordedMaintenance {
  readonly #db: Database;
  readonly #databaseUrl: string;

  private constructor(db: Database, databaseUrl: string) {
    this.#db = db;
    this.#databaseUrl = databaseUrl;
  }

  static async open(databaseUrl: string): Promise<RecordedMaintenance> {
    return new RecordedMaintenance(await createDatabase(databaseUrl), databaseUrl);
  }

  /** @returns id of the recommendation, whose workflow the worker starts */
  async recommend(asset: string, policy: object): Promise<string> {
    const answer: Answer = {
      model: "recorded",
      asset,
      version: 1,
      digest: DIGEST,
      kind: "probability",
      value: 0.9,
      unit: null,
      holds: true,
      timeKind: "timestamp",
      t: 1_780_000_000_000_000,
      predictionId: null,
      scoreId: null,
      at: "2026-06-01T00:00:00.000Z",
    };
    const id = `recorded.${asset}.1`;
    await this.#sql(
      `insert into aura.recommendations
         (recommendation_id, model, asset_id, n, version, digest, policy, evidence, latest, prediction_ids)
       values ($1, 'recorded', $2, 1, 1, $3, $4, $5, $6, '{}')`,
      [
        id,
        asset,
        DIGEST,
        JSON.stringify(maintenanceSchema.parse(policy)),
        JSON.stringify([answer]),
        JSON.stringify(answer),
      ],
    );
    return id;
  }

  recover(id: string): Promise<void> {
    return this.#sql(
      "update aura.recommendations set recovered_at = clock_timestamp() where recommendation_id = $1",
      [id],
    );
  }

  untilState(id: string, state: string): Promise<void> {
    return untilAnswered(`recommendation ${id} ${state}`, inMs(WAIT_MS), async () =>
      (await this.#db.recommendations.get(id))?.state === state ? true : undefined,
    ).then(() => undefined);
  }

  untilOrder(id: string, state: string): Promise<void> {
    return untilAnswered(`work order of ${id} ${state}`, inMs(WAIT_MS), async () =>
      (await this.#db.workOrders.get(`wo.${id}`))?.state === state ? true : undefined,
    ).then(() => undefined);
  }

  /** Its question stands, as a child of its workflow. */
  async untilAsked(id: string): Promise<ApprovalRow> {
    return untilAnswered(`approval of ${id}`, inMs(WAIT_MS), () =>
      this.#db.approvals.get(maintenanceApprovalId(id)),
    );
  }

  async decide(id: string, decision: "approve" | "reject"): Promise<void> {
    const approval = await this.untilAsked(id);
    const given = {
      decisionId: id,
      decision,
      by: "ann",
      authenticated: false,
      channel: "api",
      reason: "",
    } as const;
    const audit = { actor, action: "recommendation.decide", subject: id, outcome: "ok" } as const;
    await this.#db.approvals.decide(approval.id, approval.digest, given, audit);
  }

  async say(id: string, event: WorkOrderEvent): Promise<void> {
    const audit = { actor, action: "work_order.event", subject: id, outcome: "ok" } as const;
    await this.#db.workOrders.take(`wo.${id}`, event, { by: "ana", authenticated: true }, audit);
  }

  close(): Promise<void> {
    return this.#db.close();
  }

  async #sql(text: string, values: readonly unknown[]): Promise<void> {
    const connection = new pg.Client({ connectionString: this.#databaseUrl });
    await connection.connect();
    try {
      await connection.query(text, [...values]);
    } finally {
      await connection.end();
    }
  }
}
