import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { lookAt } from "../../activities/maintenance/look.ts";
import type { MaintainedPipeline } from "../../activities/maintenance/answers.ts";
import type { WorkOrderEvent } from "../../schemas/maintenance/work-order.ts";
import { maintenanceSchema } from "../../schemas/pipeline/maintenance.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database } from "../../stores/postgres/port.ts";
import { createTestDatabase, describeWithServices } from "../support/platform.ts";
import type { TestDatabase } from "../support/platform.ts";
import { auditOf } from "../support/registry-samples.ts";

const MODELS = { live: ["pump"], fleet: ["pump"] };
const maintenance = maintenanceSchema.parse({ when: { remaining: 24, repeat: { hits: 1, of: 1 } } });
const pipeline = {
  task: { kind: "rul" },
  sources: { readings: { role: "readings", time: { kind: "cycle" } } },
  maintenance,
} as unknown as MaintainedPipeline;
const PIPELINES = new Map([["pump", pipeline]]);

await describeWithServices("recommendations on PostgreSQL", () => {
  let test: TestDatabase;
  let db: Database;
  let sql: pg.Client;
  beforeAll(async () => {
    test = await createTestDatabase("maintenance");
    db = await createDatabase(test.url);
    sql = new pg.Client({ connectionString: test.url });
    await sql.connect();
  });
  afterAll(async () => {
    await sql.end();
    await db.close();
    await test.drop();
  });

  const score = async (asset: string, value: number, ts: number) => {
    const prediction = JSON.stringify({ predictionId: `${asset}-${ts}`, asset, value });
    await sql.query(
      `insert into aura.asset_scores (model, asset_id, version, digest, prediction_id, prediction, headline, source, epoch,
                                      ts, seq, reading_values, received_at, scored_at)
       values ('pump', $1, 1, $2, $3, $4, $5, 'pump', 0, $6, 0, '{}', now(), now())
       on conflict (model, asset_id) do update set prediction = excluded.prediction, ts = excluded.ts, seq = excluded.seq,
         written = pg_current_xact_id()`,
      [asset, "d".repeat(64), `${asset}-${ts}`, prediction, value, ts],
    );
  };
  const look = () => db.recommendations.watch(MODELS, (seen) => lookAt(seen, PIPELINES, Date.now()));
  const of = (asset: string) => db.recommendations.list({ asset, limit: 10 });

  it("opens one for each asset that needs it, however many look at once", async () => {
    for (let i = 0; i < 20; i++) await score(`a${i}`, i % 2 === 0 ? 10 : 100, 1);
    await Promise.all(Array.from({ length: 8 }, look));
    const rows = await db.recommendations.list({ limit: 100 });
    expect(rows).toHaveLength(10);
    expect(new Set(rows.map(({ asset }) => asset)).size).toBe(10);
    expect(await db.audit.list({ limit: 100 })).toHaveLength(10);
    await score("a0", 5, 2);
    await look();
    expect(await of("a0")).toMatchObject([{ n: 1, latest: { value: 5 }, evidence: [{ value: 10 }] }]);
    expect(await db.recommendations.ofPrediction("a0-1")).toHaveLength(1);
    expect(await db.recommendations.ofPrediction("a0-2")).toHaveLength(1);
    const { rows: kept } = await sql.query("select 1 from aura.maintenance_states");
    expect(kept).toHaveLength(10);
  });

  it("leaves nothing of a look that failed, and sees it again", async () => {
    await score("b", 10, 1);
    await expect(
      db.recommendations.watch(MODELS, () => {
        throw new Error("killed");
      }),
    ).rejects.toThrow("killed");
    expect(await of("b")).toEqual([]);
    await look();
    expect(await of("b")).toHaveLength(1);
  });

  it("goes on in a restored database, which counts its transactions anew", async () => {
    await score("c", 10, 1);
    await sql.query("update aura.maintenance_watch set scores_from = '9000000000'");
    await look();
    expect(await of("c")).toHaveLength(1);
    expect(await of("a0")).toHaveLength(1);
  });

  it("takes an order's events once, and closes it once, whoever says so at the same time", async () => {
    const [row] = await of("a2");
    const id = `wo.${row?.id}`;
    const order = { id, recommendationId: row?.id ?? "", channel: null, document: { id } as never };
    await Promise.all([1, 2, 3].map(() => db.workOrders.make(order, auditOf("work_order.create", id))));
    expect(await of("a2")).toMatchObject([{ state: "ordered", workOrderId: id }]);
    const say = (event: WorkOrderEvent) =>
      db.workOrders.take(id, event, { by: "cmms", authenticated: true }, auditOf("work_order.event", id));
    const closed = (eventId: string, result: "confirmed" | "false_alarm"): WorkOrderEvent => ({
      eventId,
      kind: "closed",
      outcome: { result },
    });
    const events = [closed("1", "confirmed"), closed("2", "false_alarm"), closed("1", "confirmed")];
    const said = await Promise.allSettled(events.map(say));
    const outcomes = new Set(
      said.flatMap((one) => (one.status === "fulfilled" ? [one.value.outcome?.result] : [])),
    );
    expect(outcomes.size).toBe(1);
    expect(await db.workOrders.events(id)).toHaveLength(1);
    expect((await db.audit.list({ subject: id, limit: 10 })).map(({ action }) => action)).toEqual([
      "work_order.event",
      "work_order.create",
    ]);
    await Promise.all([1, 2].map(() => db.workOrders.settle(id, "label", auditOf("work_order.settle", id))));
    expect(await of("a2")).toMatchObject([{ state: "closed" }]);
    expect(await db.audit.list({ subject: id, limit: 10 })).toHaveLength(3);
    await expect(sql.query("update aura.work_order_events set said_by = 'eve'")).rejects.toThrow();
  });

  it("does not end what was ordered, and ends the rest once", async () => {
    const [row] = await of("a4");
    const id = row?.id ?? "";
    await db.recommendations.end(id, { state: "withdrawn" }, auditOf("recommendation.withdrawn", id));
    await db.recommendations.end(id, { state: "rejected" }, auditOf("recommendation.rejected", id));
    expect(await of("a4")).toMatchObject([{ state: "withdrawn" }]);
    expect(await db.audit.list({ subject: id, limit: 10 })).toHaveLength(1);
    const pages: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await db.recommendations.list({ limit: 5, ...(after === undefined ? {} : { after }) });
      if (page.length === 0) break;
      pages.push(...page.map((one) => one.id));
      after = page.at(-1)?.id;
    }
    expect(new Set(pages).size).toBe(12);
    expect(pages).toHaveLength(12);
    const counts = await db.recommendations.counts();
    expect(counts.byState).toEqual([{ model: "pump", state: "open", n: 10 }]);
    expect(counts.orders).toEqual([{ model: "pump", state: "closed", outcome: expect.any(String), n: 1 }]);
  });
});
