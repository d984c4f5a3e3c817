import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { AlertEvaluator } from "../../../alerting/alert-evaluator.ts";
import { ReadingIntake } from "../../../intake/reading-intake.ts";
import { alertRuleSchema } from "../../../schemas/alerts/alert-rule.ts";
import { shardOf } from "../../../schemas/live/shard.ts";
import { liveSourceSchema } from "../../../schemas/live/source.ts";
import { INTAKE_LOCK } from "../../../stores/postgres/repositories/live/followed-batches.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";

/** Alert rules on readings as they are committed, on a real database. */

const actor = { id: "ana", role: "operator", authenticated: true } as const;
const remove = { actor, action: "alert-rule.remove", subject: "test", outcome: "ok" } as const;
const START = Date.now() - 600_000;
let nEvaluators = 0;
let nMarkers = 0;

/** Timers of seconds, on a machine that may be busy. */
const until = (check: () => boolean | Promise<boolean>) =>
  vi.waitUntil(check, { timeout: 15_000, interval: 20 });

await describeWithServices("alert rules", () => {
  let test: TestDatabase;
  let db: Database;
  let intake: ReadingIntake;
  const failures: unknown[] = [];
  const running = new Set<AlertEvaluator>();
  beforeAll(async () => {
    test = await createTestDatabase("alerting");
    db = await createDatabase(test.url);
    intake = new ReadingIntake({ sources: () => db.liveSources, readings: () => db.readings });
    const columns = [
      { name: "heat", unit: "°C" },
      { name: "pulse" },
      { name: "mode", type: "text", values: ["idle", "run"] },
    ];
    await db.liveSources.put(
      liveSourceSchema.parse({ name: "pumps", owner: "tests", columns, pii: ["pulse"] }),
      actor,
    );
  });
  afterEach(async () => {
    for (const one of running) await stop(one);
    for (const { name } of await db.alertRules.list()) await db.alertRules.remove(name, remove);
    expect(failures.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await db.close();
    await test.drop();
  });

  async function evaluate(): Promise<AlertEvaluator> {
    nEvaluators += 1;
    const evaluator = new AlertEvaluator({
      evaluatorId: `00000000-0000-4000-8000-${String(nEvaluators).padStart(12, "0")}`,
      evaluation: db.alertEvaluation,
      rules: db.alertRules,
      sources: db.liveSources,
      online: db.online,
      onFailure: (_, error) => void failures.push(error),
      lookEveryMs: 25,
    });
    await evaluator.start();
    running.add(evaluator);
    await until(() => evaluator.isEvaluating);
    return evaluator;
  }
  async function stop(evaluator: AlertEvaluator): Promise<void> {
    running.delete(evaluator);
    await evaluator.close();
  }
  const rule = (document: object) => db.alertRules.put(alertRuleSchema.parse(document), actor);
  const send = (asset: string, ...heats: readonly (readonly [second: number, heat: number | null])[]) =>
    intake.submit(
      "pumps",
      "http",
      heats.map(([second, heat]) => ({
        asset,
        time: new Date(START + second * 1_000).toISOString(),
        values: { heat },
      })),
    );
  const alertsOf = async (name: string) =>
    (await db.alerts.list({ rule: name, limit: 100 })).map(({ asset, state, message }) => ({
      asset,
      state,
      message,
    }));
  const eventsOf = async (name: string) =>
    (await db.alertEvents.since(0, 1_000))
      .filter((event) => event.rule === name)
      .map(({ kind, asset }) => `${kind} ${asset ?? ""}`);
  /** Everything that was sent before was looked at: readings are, in the order of their commits. */
  async function settled(): Promise<void> {
    nMarkers += 1;
    const marker = `marker-${nMarkers}`;
    await rule({
      name: "marker",
      source: "pumps",
      assets: ["marker-*"],
      when: { kind: "threshold", column: "heat", above: 0 },
    });
    await send(marker, [0, 1]);
    await until(async () => (await db.alerts.list({ rule: "marker", asset: marker, limit: 1 })).length > 0);
  }

  it("raises one alert per asset and rule, clears it beyond the hysteresis, and tells of each once", async () => {
    await rule({
      name: "hot",
      severity: "critical",
      source: "pumps",
      assets: ["h*"],
      labels: { team: "heat" },
      when: { kind: "threshold", column: "heat", above: 90, clear: 85 },
    });
    await evaluate();
    await send("h1", [0, 80], [1, 95], [2, 88], [3, 96]);
    await send("cold", [0, 200]);
    await until(async () => (await alertsOf("hot")).length > 0);
    expect(await db.alerts.list({ rule: "hot", limit: 9 })).toMatchObject([
      {
        state: "raised",
        severity: "critical",
        asset: "h1",
        subject: "asset/h1",
        labels: { team: "heat" },
        message: "h1: heat of 95 °C is above 90 °C",
        details: { value: 95, limit: 90, column: "heat" },
      },
    ]);
    await send("h1", [4, null], [5, 84]);
    await until(async () => (await alertsOf("hot"))[0]?.state === "cleared");
    await send("h1", [6, 99]);
    await until(async () => (await alertsOf("hot")).length === 2);
    expect(await eventsOf("hot")).toEqual(["raised h1", "cleared h1", "raised h1"]);
  });

  it("goes on after a stop where the last one stood, with what came in meanwhile", async () => {
    await rule({
      name: "held",
      source: "pumps",
      when: { kind: "threshold", column: "heat", above: 90, for: "10s" },
    });
    const first = await evaluate();
    await send("r1", [0, 95], [5, 96]);
    await until(async () => (await eventsOf("held")).length === 1);
    await stop(first);
    await send("r1", [9, 97]);
    await send("r1", [11, 97], [12, 98]);
    const second = await evaluate();
    await until(async () => (await alertsOf("held")).length === 1);
    await stop(second);
    await evaluate();
    await send("r1", [13, 98]);
    await settled();
    expect(await eventsOf("held")).toEqual(["pending r1", "raised r1"]);
  });

  it("does not fire over a gap in the data, nor by readings that come late", async () => {
    await rule({
      name: "gap",
      source: "pumps",
      when: { kind: "threshold", column: "heat", above: 90, for: "30s" },
    });
    await evaluate();
    await send("g1", [100, 95], [400, 95]);
    await send("g1", [110, 99], [120, 99], [131, 99]);
    await settled();
    expect(await alertsOf("gap")).toEqual([]);
    expect(await eventsOf("gap")).toEqual(["pending g1"]);
    await send("g1", [410, 95], [431, 95]);
    await until(async () => (await alertsOf("gap")).length === 1);
  });

  it("tells of silence and of its end, for those that were heard of while somebody listened", async () => {
    await rule({ name: "silent", source: "pumps", assets: ["s*"], when: { kind: "absence", after: "1s" } });
    await evaluate();
    await send("s1", [0, 1]);
    await until(async () => (await alertsOf("silent")).some(({ asset }) => asset === "s1"));
    expect(await alertsOf("silent")).toMatchObject([{ message: "s1: no reading in pumps for 1s" }]);
    await send("s1", [1, 1]);
    await until(async () => (await alertsOf("silent"))[0]?.state === "cleared");
  });

  it("waits for open transactions that may bring readings, and for no others", async () => {
    await rule({ name: "beside", source: "pumps", when: { kind: "threshold", column: "heat", above: 90 } });
    await evaluate();
    const [intakeOf, other] = [0, 1].map(() => new pg.Client({ connectionString: test.url })) as [
      pg.Client,
      pg.Client,
    ];
    for (const client of [intakeOf, other]) {
      await client.connect();
      await client.query("begin");
    }
    await other.query("select pg_current_xact_id()");
    await send("b1", [0, 99]);
    await until(async () => (await alertsOf("beside")).length === 1);
    await intakeOf.query("select pg_advisory_xact_lock_shared($1)", [INTAKE_LOCK]);
    await intakeOf.query("select pg_current_xact_id()");
    await send("b2", [0, 99]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await alertsOf("beside")).toHaveLength(1);
    await intakeOf.query("commit");
    await until(async () => (await alertsOf("beside")).length === 2);
    await other.query("commit");
    for (const client of [intakeOf, other]) await client.end();
  });

  it("takes a last will for silence, and hears no more of one that a person said is over", async () => {
    await rule({ name: "left", source: "pumps", assets: ["w*"], when: { kind: "absence", after: "1h" } });
    await evaluate();
    await send("w1", [0, 1]);
    expect(await db.staleAssets.mark("pumps", "w1", "last will: battery")).toBe(true);
    await until(async () => (await alertsOf("left")).length === 1);
    expect(await alertsOf("left")).toMatchObject([{ message: "w1: gone from pumps, last will: battery" }]);
    const [{ id } = { id: 0 }] = await db.alerts.list({ rule: "left", limit: 1 });
    await db.alerts.clear(id, { ...remove, action: "alert.clear" });
    await settled();
    await settled();
    expect(await alertsOf("left")).toMatchObject([{ state: "cleared" }]);
    const late = await db.alerts.acknowledge(id, { name: "ben" }, { ...remove, action: "alert.acknowledge" });
    expect(late).toMatchObject({ state: "cleared", acknowledgedBy: null });
    await send("w1", [1, 1]);
    await settled();
    await db.staleAssets.mark("pumps", "w1", "last will");
    await until(async () => (await alertsOf("left")).length === 2);
    expect(await eventsOf("left")).toEqual(["raised w1", "cleared w1", "raised w1"]);
  });

  it("finds the value that lies far from its mean, among eleven at least", async () => {
    const normal = Array.from({ length: 10 }, (_, i) => [i, 20 + (i % 3) * 0.1] as const);
    await send("z1", ...normal, [10, 60]);
    await send("z2", ...normal.slice(1), [10, 60]);
    await send("z3", ...normal, [10, 20.1]);
    await rule({ name: "strange", source: "pumps", assets: ["z*"], when: { kind: "zscore", window: "1h" } });
    await evaluate();
    await until(async () => (await alertsOf("strange")).length > 0);
    expect(await db.alerts.list({ rule: "strange", limit: 9 })).toMatchObject([
      { asset: "z1", details: { column: "heat", n: 11, limit: 3 } },
    ]);
  });

  it("clears what a rule raised when it is removed, and what a person says is over", async () => {
    await rule({ name: "gone", source: "pumps", when: { kind: "threshold", column: "heat", above: 90 } });
    await evaluate();
    await send("k1", [0, 99]);
    await until(async () => (await alertsOf("gone")).length === 1);
    const [{ id } = { id: 0 }] = await db.alerts.list({ rule: "gone", limit: 1 });
    await db.alerts.acknowledge(
      id,
      { name: "ben", comment: "on my way" },
      { ...remove, action: "alert.acknowledge" },
    );
    await db.alerts.clear(id, { ...remove, action: "alert.clear" });
    await send("k1", [1, 99]);
    await until(async () => (await alertsOf("gone")).length === 2);
    await db.alertRules.remove("gone", remove);
    expect(await alertsOf("gone")).toMatchObject([{ state: "cleared" }, { state: "cleared" }]);
    expect(await eventsOf("gone")).toEqual([
      "raised k1",
      "acknowledged k1",
      "cleared k1",
      "raised k1",
      "cleared k1",
    ]);
  });

  it("looks at the champion's answers, and at the platform itself", async () => {
    const address = {
      scorerId: "00000000-0000-4000-9000-000000000001",
      url: "http://127.0.0.1:1",
      secret: "s",
    };
    const leases = await db.online.renew(address, 60_000);
    const score = (second: number, headline: number, { asset = "m1", waitedMs = 0, version = 3 } = {}) => {
      const shard = shardOf(asset);
      const fence = leases.find((one) => one.shard === shard)?.fence ?? 0;
      return db.online.putScores([
        {
          model: "wear",
          asset,
          version,
          digest: "d".repeat(64),
          prediction: { predictionId: `p-${second}` },
          headline,
          source: "pumps",
          epoch: 0,
          ts: (START + second * 1_000) * 1_000,
          seq: 0,
          values: [1],
          receivedAt: new Date(Date.now() - waitedMs).toISOString(),
          scoredAt: new Date(Date.now() - waitedMs).toISOString(),
          unfit: [],
          shard,
          fence,
        },
      ]);
    };
    await rule({
      name: "worn",
      when: { kind: "threshold", prediction: { model: "wear" }, above: 0.8, clear: 0.5 },
    });
    await rule({ name: "slow", when: { kind: "zscore", platform: ["predict_latency_seconds"] } });
    for (let i = 0; i < 11; i++)
      await db.alertEvaluation.putSample("predict_latency_seconds", "api", i < 10 ? 0.01 : 1);
    await evaluate();
    await score(1, 0.9);
    await until(async () => (await alertsOf("worn")).length === 1 && (await alertsOf("slow")).length === 1);
    await score(2, 0.4);
    await until(async () => (await alertsOf("worn"))[0]?.state === "cleared");
    // It could not be stored for a while: others were made and looked at meanwhile.
    await score(1, 0.95, { asset: "m2", waitedMs: 60_000 });
    await until(async () => (await alertsOf("worn")).length === 2);
    // The same reading, by a version that sees more in it.
    await score(1, 0.1, { asset: "m3" });
    await settled();
    await score(1, 0.99, { asset: "m3", version: 4 });
    await until(async () => (await alertsOf("worn")).some(({ asset }) => asset === "m3"));
    expect(await db.alerts.list({ rule: "worn", asset: "m1", limit: 9 })).toMatchObject([
      {
        message: "m1: prediction of wear@3 of 0.9 is above 0.8",
        details: { model: "wear", predictionId: "p-1" },
      },
    ]);
    expect(await db.alerts.list({ rule: "slow", limit: 9 })).toMatchObject([
      { asset: "platform", state: "raised", details: { column: "predict_latency_seconds", n: 11 } },
    ]);
  });

  it("does not show the values of masked columns", async () => {
    await rule({ name: "pulse", source: "pumps", when: { kind: "threshold", column: "pulse", above: 100 } });
    await evaluate();
    await intake.submit("pumps", "http", [
      { asset: "n1", time: new Date(START).toISOString(), values: { pulse: 123 } },
    ]);
    await until(async () => (await alertsOf("pulse")).length === 1);
    const shown = await db.alerts.list({ rule: "pulse", limit: 1 });
    expect(shown).toMatchObject([{ message: "n1: pulse is above 100" }]);
    expect(JSON.stringify(shown)).not.toContain("123");
  });

  it("does not take for silent who was not listened to", async () => {
    await send("q1", [0, 1]);
    await new Promise((resolve) => setTimeout(resolve, 600));
    await rule({ name: "quiet", source: "pumps", assets: ["q*"], when: { kind: "absence", after: "1s" } });
    await evaluate();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await alertsOf("quiet")).toEqual([]);
    await until(async () => (await alertsOf("quiet")).length === 1);
  });
});
