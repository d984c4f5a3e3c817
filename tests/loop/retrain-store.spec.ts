import { afterAll, beforeAll, expect, it } from "vitest";
import pg from "pg";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database } from "../../stores/postgres/port.ts";
import type { RetrainRequest } from "../../stores/postgres/port/retrains.ts";
import { createTestDatabase, describeWithServices } from "../support/platform.ts";
import type { TestDatabase } from "../support/platform.ts";
import { auditOf, versionOf } from "../support/registry-samples.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

await describeWithServices("retrains on PostgreSQL", () => {
  let test: TestDatabase;
  let db: Database;
  let sql: pg.Client;
  let n = 0;
  beforeAll(async () => {
    test = await createTestDatabase("retrains");
    db = await createDatabase(test.url);
    sql = new pg.Client({ connectionString: test.url });
    await sql.connect();
  });
  afterAll(async () => {
    await sql.end();
    await db.close();
    await test.drop();
  });

  const model = async (name: string): Promise<string> => {
    await db.registry.register(versionOf(name, name), auditOf("version.register"));
    return name;
  };
  const ask = (request: Pick<RetrainRequest, "model" | "trigger" | "window"> & Partial<RetrainRequest>) =>
    db.retrains.ask(
      {
        reason: "test",
        requestedBy: { id: "aura", authenticated: true },
        requestKey: `key-${n++}`,
        coolDownMs: DAY_MS,
        ...request,
      },
      auditOf("retrain.ask"),
    );
  const byTick = (name: string, at: number, coolDownMs = DAY_MS) => {
    const tick = new Date(at).toISOString();
    return ask({ model: name, trigger: "schedule", window: tick, tick, coolDownMs });
  };
  const finish = (name: string, window: string) =>
    db.retrains.finish({ model: name, window }, { state: "finished" }, auditOf("retrain.finish"));
  /** As if it had been asked for then. */
  const askedAt = (name: string, window: string, at: number) =>
    sql.query("update aura.retrains set asked_at = $3 where model = $1 and time_window = $2", [
      name,
      window,
      new Date(at),
    ]);
  const startOf = (answer: Awaited<ReturnType<typeof ask>>): string => {
    if ("refused" in answer) throw new Error(answer.refused.message);
    return answer.window;
  };

  it("lets the schedule ask again a period later, whenever it came to ask the time before", async () => {
    const name = await model("daily");
    const now = Date.now();
    const first = startOf(await byTick(name, now - DAY_MS));
    await finish(name, first);
    // The worker was busy for twenty minutes; this tick is asked about at once.
    await askedAt(name, first, now - DAY_MS + 20 * 60_000);
    const second = startOf(await byTick(name, now));
    await finish(name, second);
    expect(await byTick(name, now)).toMatchObject({ refused: { code: "cool_down" } });
    expect(await byTick(name, now + 12 * HOUR_MS)).toMatchObject({ refused: { code: "cool_down" } });
  });

  it("lets it ask an hour sooner where clocks were put forward", async () => {
    const name = await model("summer-time");
    const now = Date.now();
    await finish(name, startOf(await byTick(name, now - 23 * HOUR_MS)));
    startOf(await byTick(name, now));
  });

  it("keeps an alarm waiting for the whole cool-down after a tick, and a tick after an alarm", async () => {
    const name = await model("mixed");
    const now = Date.now();
    const first = startOf(await byTick(name, now - DAY_MS + 60_000));
    await finish(name, first);
    const alarm = { model: name, trigger: "drift", window: new Date(now).toISOString() } as const;
    expect(await ask(alarm)).toMatchObject({ refused: { code: "cool_down" } });
    await askedAt(name, first, now - DAY_MS - 1);
    await finish(name, startOf(await ask({ ...alarm, requestKey: "alarm" })));
    expect(await byTick(name, now + 60_000)).toMatchObject({ refused: { code: "cool_down" } });
  });
});
