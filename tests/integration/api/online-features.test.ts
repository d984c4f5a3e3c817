import { afterAll, beforeAll, expect, it } from "vitest";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { readSettings } from "../../../config/settings.ts";
import type { FeatureView } from "../../../features/feature-view.ts";
import { manifestOf, pipelineOf, writeSources } from "../../../features/support/test-dataset.ts";
import type { TestSource } from "../../../features/support/test-dataset.ts";
import { createTestEngine } from "../../../features/support/test-engine.ts";
import type { TestEngine } from "../../../features/support/test-engine.ts";
import { transformShard } from "../../../features/transform.ts";
import { compileView } from "../../../features/view.ts";
import type {
  FeatureFeeds,
  FeatureHistory,
  OnlineFeature,
  OnlineFeatures,
} from "../../../schemas/live/online-features.ts";
import type { PredictReply } from "../../../schemas/serving/prediction.ts";
import { checkpointHashOf } from "../../../scoring/series-checkpoint.ts";
import type { AssetScore } from "../../../stores/postgres/port/online.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import { startScorer } from "../../../workers/start-scorer.ts";
import type { RunningScorer } from "../../../workers/start-scorer.ts";
import { startApiFixture, until } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { promoteVersion } from "../../support/champions.ts";
import { MemoryObjects } from "../../support/memory-objects.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { putTinyVersion } from "../../support/served-versions.ts";

const COLUMNS = [
  { name: "pressure", type: "float" },
  { name: "speed", type: "integer" },
  { name: "mode", type: "text" },
] as const;
const MODES = ["idle", "run"];
const FEATURES = [
  {
    rolling: {
      columns: ["pressure", "speed"],
      stats: ["mean", "std", "median", "slope"],
      windows: [5, "10m"],
    },
  },
  { lag: { columns: ["pressure"], steps: [2] } },
  { exponential: { columns: ["speed"], halfLives: [3] } },
  { baseline: { columns: ["pressure"], over: "life" } },
  { age: {} },
  { category: { columns: ["mode"] } },
];
const START = Date.now() - 3_600_000;

interface Row {
  readonly asset: string;
  readonly ms: number;
  readonly values: { readonly pressure: number | null; readonly speed: number; readonly mode: string };
}

/** Readings with gaps and missing values, the same on every run. */
function seriesOf(asset: string, nRows: number): Row[] {
  return Array.from({ length: nRows }, (_, i) => ({
    asset,
    ms: START + i * 60_000 + (i % 7 === 3 ? 20_000 : 0),
    values: {
      pressure: i % 5 === 2 ? null : 1e3 + Math.sin(i * asset.length) * 3,
      speed: 1_450 + ((i * 7) % 11),
      mode: MODES[i % 2] as string,
    },
  }));
}

await describeWithServices("features of live readings", () => {
  let test: TestDatabase;
  let db: Database;
  let fixture: ApiFixture;
  let engine: TestEngine;
  let scorer: RunningScorer;
  let view: FeatureView;
  const objects = new MemoryObjects();
  let stateDir: string;
  const log: string[] = [];

  const source = (rows: readonly Row[]): TestSource => ({
    timeKind: "timestamp",
    columns: COLUMNS,
    rows: rows
      .toSorted((a, b) => a.ms - b.ms)
      .map(({ asset, ms, values }) => ({
        asset,
        t: ms * 1_000,
        values: [values.pressure, values.speed, values.mode],
      })),
  });
  const start = () =>
    startScorer(readSettings({ AURA_STATE_DIR: stateDir, AURA_SCORE_EVERY: "100ms" }, stateDir), {
      database: db,
      objects,
      logger: pino({ level: "warn" }, { write: (line: string) => void log.push(line) }),
      leaseTtlMs: 1_000,
      checkpointEvery: 10,
    });

  beforeAll(async () => {
    stateDir = await mkdtemp(join(tmpdir(), "aura-scorer-"));
    test = await createTestDatabase("online");
    db = await createDatabase(test.url);
    engine = await createTestEngine(1);
    const sources = { readings: source([]) };
    view = compileView(pipelineOf(sources, { features: FEATURES }), manifestOf(sources));
    const row = await putTinyVersion(objects, {
      model: "pumps",
      view,
      fitted: { categories: { mode: MODES } },
    });
    await promoteVersion(db, row);
    fixture = await startApiFixture({ database: db, objects });
    const put = await fixture.request("/v1/sources/pumps", {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        name: "pumps",
        owner: "test",
        columns: COLUMNS.map((column) => (column.type === "text" ? { ...column, values: MODES } : column)),
      }),
    });
    expect(put.status).toBe(200);
    scorer = await start();
  }, 30_000);
  afterAll(async () => {
    await scorer.close();
    await fixture.close();
    await engine.close();
    await test.drop();
    await rm(stateDir, { recursive: true, force: true });
  });

  async function send(rows: readonly Row[]): Promise<void> {
    const readings = rows.map(({ asset, ms, values }) => ({
      asset,
      time: new Date(ms).toISOString(),
      values,
    }));
    const response = await fixture.request("/readings", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ source: "pumps", readings }),
    });
    expect(await response.json()).toMatchObject({ stored: rows.length });
  }
  async function read(asset: string): Promise<OnlineFeatures> {
    const response = await fixture.request(`/v1/features/${asset}?model=pumps`);
    const reply: unknown = await response.json();
    expect(response.status, JSON.stringify(reply)).toBe(200);
    return reply as OnlineFeatures;
  }
  /** The last row of each asset as the offline executor has it. */
  async function offline(rows: readonly Row[], asset: string): Promise<(number | null)[]> {
    const sources = { readings: source(rows) };
    const { readings = [] } = await writeSources(engine, sources, `offline-${Math.random()}`);
    const out = `${engine.folder}/out-${Math.random()}.parquet`;
    const fitted = { categories: { mode: MODES } };
    await transformShard(engine, { view, fitted, readings, sources: {}, out, hasLabel: false });
    const table = await engine.columns(`SELECT * FROM read_parquet('${out}') ORDER BY __asset, __t, __seq`);
    const last = [...(table.columns["__asset"] ?? [])].lastIndexOf(asset);
    return view.features.map(({ physical }) => {
      const value = Number(table.columns[physical]?.[last] ?? NaN);
      return Number.isNaN(value) ? null : value;
    });
  }
  async function expectEqual(rows: readonly Row[], asset: string): Promise<void> {
    const expected = await offline(rows, asset);
    const newest = Math.max(...rows.filter((row) => row.asset === asset).map(({ ms }) => ms));
    await until(async () => Date.parse(String((await read(asset)).at)) === newest);
    await until(async () => difference((await read(asset)).features, expected) === undefined).catch(
      async () => {
        expect(difference((await read(asset)).features, expected), log.join("")).toBeUndefined();
      },
    );
  }
  function difference(
    features: readonly Pick<OnlineFeature, "name" | "value">[],
    expected: readonly (number | null)[],
  ) {
    return features.flatMap(({ name, value }, i) => {
      const number = typeof value === "string" ? MODES.indexOf(value) : value;
      const wanted = expected[i] ?? null;
      const isEqual =
        number === null || wanted === null ? number === wanted : Math.abs(number - wanted) <= 1e-9 * 1e3;
      return isEqual ? [] : [`${name}: online ${value}, offline ${wanted}`];
    })[0];
  }

  it("equals the offline features of the same readings, as they come and after late ones", async () => {
    const all = [...seriesOf("p1", 41), ...seriesOf("p-22", 26)];
    const isLate = (_: Row, i: number) => i % 13 === 5;
    await send(all.filter((row, i) => !isLate(row, i)).slice(0, 30));
    await send(all.filter((row, i) => !isLate(row, i)).slice(30));
    const early = all.filter((row, i) => !isLate(row, i));
    await expectEqual(early, "p1");
    await expectEqual(early, "p-22");
    await send(all.filter(isLate));
    await expectEqual(all, "p1");
    await expectEqual(all, "p-22");
  });

  it("predicts by the id of an asset alone, at its newest reading", async () => {
    const predict = (body: object) =>
      fixture.request("/predict", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const { features, at, digest } = await read("p1");
    const response = await predict({ asset: "p1", model: "pumps" });
    expect(response.status).toBe(200);
    const reply = (await response.json()) as PredictReply;
    const [first = 0, second = 0] = features.map(({ value }) => Number(value));
    expect(reply).toMatchObject({ digest, traced: true, predictions: [{ asset: "p1", at }] });
    expect(reply.predictions[0]?.value).toBeCloseTo(2 * first + second + 1, 6);
    expect((await predict({ asset: "nobody", model: "pumps" })).status).toBe(404);
    expect((await predict({ asset: "p1", model: "pumps", rows: 1, more: 1 })).status).toBe(422);
  });

  it("has the champion score each asset as readings come, and traces what it was scored at", async () => {
    const scores = async () => {
      const response = await fixture.request("/v1/asset-scores?model=pumps");
      return ((await response.json()) as { items: AssetScore[] }).items;
    };
    await until(async () => (await scores()).length === 2);
    const newest = START + 60_000 * 41;
    await send([{ asset: "p1", ms: newest, values: { pressure: 1e3, speed: 1_450, mode: "run" } }]);
    await until(async () => (await scores()).some(({ ts }) => ts === newest * 1_000));
    const score = (await scores()).find(({ asset }) => asset === "p1");
    const { features } = await read("p1");
    const [first = 0, second = 0] = features.map(({ value }) => Number(value));
    expect(score?.headline).toBeCloseTo(2 * first + second + 1, 6);
    await until(async () => (await db.predictions.get(score?.prediction.predictionId ?? "")) !== undefined);
    expect(await db.predictions.get(score?.prediction.predictionId ?? "")).toMatchObject({
      actor: "scorer",
      asset: "p1",
      requestId: `live/pumps/0/${newest * 1_000}/0`,
      value: score?.headline,
    });
  });

  it("says that an asset without a reading is not found, and refuses a model without a champion", async () => {
    expect(await read("nobody")).toMatchObject({ status: "not_found", at: null, ageSeconds: null });
    expect((await fixture.request("/v1/features/p1?model=other")).status).toBe(409);
  });

  it("answers for several assets in the order in which they were asked for", async () => {
    const ask = (assets: readonly string[]) =>
      fixture.request("/v1/features", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "pumps", assets }),
      });
    const { items } = (await (await ask(["p-22", "nobody", "p1"])).json()) as { items: OnlineFeatures[] };
    expect(items.map(({ asset, status }) => [asset, status])).toEqual([
      ["p-22", (await read("p-22")).status],
      ["nobody", "not_found"],
      ["p1", (await read("p1")).status],
    ]);
    expect(items[2]?.features.map(({ value }) => value)).toEqual(
      (await read("p1")).features.map(({ value }) => value),
    );
    expect((await ask([])).status).toBe(422);
  });

  it("has the features of any asset as they were, of the readings up to then", async () => {
    const rows = seriesOf("p-22", 26);
    const ask = (body: object) =>
      fixture.request("/v1/features/history", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "pumps", ...body }),
      });
    const times = [rows[3], rows[11], rows[20]].map((row) => (row?.ms ?? 0) + 30_000);
    const asked = times.map((ms) => ({ asset: "p-22", time: new Date(ms).toISOString() }));
    const before = { asset: "p-22", time: "2001-01-01T00:00:00Z" };
    const response = await ask({ rows: [...asked, before] });
    const reply = (await response.json()) as FeatureHistory;
    expect(response.status, JSON.stringify(reply)).toBe(200);
    for (const [i, ms] of times.entries()) {
      const then = rows.filter((row) => row.ms <= ms);
      const expected = await offline(then, "p-22");
      const features = Object.entries(reply.rows[i]?.values ?? {}).map(([name, value]) => ({ name, value }));
      expect(difference(features, expected)).toBeUndefined();
      expect(Date.parse(String(reply.rows[i]?.at))).toBe(then.at(-1)?.ms);
    }
    expect(reply.rows[3]).toMatchObject({ status: "not_found", at: null });
    expect((await ask({ rows: [{ asset: "p-22", time: "2026-02-30T00:00:00Z" }] })).status).toBe(422);
    expect((await ask({ rows: [{ asset: "p-22", time: 5 }] })).status).toBe(422);
  });

  it("marks features of a sensor that is not sent any more as unfit, and tells with the prediction", async () => {
    const silent = Array.from({ length: 20 }, (_, i) => ({
      asset: "p9",
      ms: START + i * 60_000,
      values: { pressure: i < 8 ? 1e3 + i : null, speed: 1_450 + i, mode: "run" },
    }));
    await send(silent);
    await until(async () => (await read("p9")).status === "unfit");
    const { features } = await read("p9");
    const byName = new Map(features.map((feature) => [feature.name, feature]));
    expect(byName.get("pressure_mean_5")).toMatchObject({
      status: "unfit",
      reason: "pressure is missing in 12 of the newest 20 readings",
    });
    expect(byName.get("speed_mean_5")).toMatchObject({ status: "present" });
  });

  it("computes anew the assets whose score is behind, page by page, and leaves the others alone", async () => {
    const refresh = (isWhole: boolean) => scorer.scoring.recompute({ model: "pumps", after: "", isWhole });
    await until(async () => (await refresh(false)).assets === 1);
    // p9 has no number as an answer: its sensor is silent.
    expect(await refresh(true)).toEqual({ assets: 3, next: null });
    const since = (sinceMs: number) =>
      scorer.scoring.recompute({ model: "pumps", after: "", isWhole: false, sinceMs });
    expect((await since(Date.now() - 3_600_000)).assets).toBe(3);
    expect((await since(Date.now() + 3_600_000)).assets).toBe(0);
  });

  it("says what feeds each champion, and reads what was entered with assets only when it changed", async () => {
    const put = await fixture.request("/v1/assets/p1", {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ attributes: { rating: 7 } }),
    });
    expect(put.ok, await put.text()).toBe(true);
    const register = await db.online.registered(undefined);
    expect([...(register?.byAsset ?? [])]).toEqual([["p1", { rating: 7 }]]);
    expect(await db.online.registered(register?.fingerprint)).toBeUndefined();
    const response = await fixture.request("/v1/feature-feeds");
    const { items } = (await response.json()) as FeatureFeeds;
    expect(items).toMatchObject([
      {
        model: "pumps",
        source: "pumps",
        problem: null,
        features: view.features.length,
        beside: [],
        policy: "flag",
      },
    ]);
  });

  it("starts a refresh by hand, and shows, pauses and resumes its schedule", async () => {
    const ask = async (method: string, path: string, body?: object) => {
      const response = await fixture.request(path, {
        method,
        headers: { "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, reply: (await response.json()) as Record<string, unknown> };
    };
    const since = "2026-04-05T10:00:00+02:00";
    const started = await ask("POST", "/v1/feature-refreshes", { model: "pumps", since });
    expect(started).toMatchObject({ status: 202, reply: { isNew: true } });
    const { id } = started.reply as { id: string };
    expect(fixture.started.at(-1)).toBe(`features pumps ${id}`);
    expect((await ask("POST", "/v1/feature-refreshes", {})).reply["id"]).not.toBe(id);
    expect((await ask("GET", `/v1/feature-refreshes/${id}`)).reply).toMatchObject({ status: "running" });
    expect((await ask("POST", "/v1/feature-refreshes", { model: "other" })).status).toBe(409);
    expect((await ask("POST", "/v1/feature-refreshes", { since: "yesterday" })).status).toBe(422);
    const schedule = (isPaused: boolean) => ask("PUT", "/v1/feature-schedule", { isPaused });
    expect((await schedule(true)).reply).toMatchObject({ id: "features/refresh", isPaused: true });
    expect((await schedule(false)).reply).toMatchObject({ isPaused: false });
    expect((await ask("GET", "/v1/feature-schedule")).reply).toMatchObject({ everySeconds: 900 });
  });

  it("has the same features after the scorer is gone and another took over, also where a late reading comes", async () => {
    const before = await read("p1");
    await scorer.close();
    const digest = checkpointHashOf({ view, fitted: { categories: { mode: MODES } } });
    const { sourceKey = 0 } = (await db.liveSources.get("pumps")) ?? {};
    const stored = await db.online.checkpoint({ model: "pumps", asset: "p1", sourceKey, digest });
    expect(stored).toMatchObject({ epoch: 0, nRead: 30, beganAt: START * 1_000 });
    scorer = await start();
    const after = await read("p1");
    expect(after.warnings).toEqual([]);
    expect(after.features.map(({ value }) => value)).toEqual(before.features.map(({ value }) => value));
    const of = (ms: number) => ({ asset: "p1", ms, values: { pressure: 900, speed: 1_450, mode: "run" } });
    const newest = { ...of(START + 60_000 * 41), values: { ...of(0).values, pressure: 1e3 } };
    // Behind the checkpoint it is gone on from; before it, where all readings are read.
    const late = [of(START + 60_000 * 35 + 1_000), of(START - 60_000)];
    for (const n of [1, 2]) {
      await send(late.slice(n - 1, n));
      await expectEqual([...seriesOf("p1", 41), newest, ...late.slice(0, n)], "p1");
    }
  });

  it("begins anew with another life of the asset, also as it was", async () => {
    const of = (epoch: number, second: number, pressure: number) => ({
      asset: "p5",
      time: new Date(START + second * 1_000).toISOString(),
      epoch,
      values: { pressure, speed: 1_400, mode: "run" },
    });
    const readings = [of(0, 0, 100), of(0, 60, 200), of(1, 120, 10), of(1, 180, 20)];
    await fixture.request("/readings", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ source: "pumps", readings }),
    });
    await until(async () => (await read("p5")).epoch === 1);
    const mean = (reply: Pick<OnlineFeatures, "features">) =>
      reply.features.find(({ name }) => name === "pressure_mean_5")?.value;
    await until(async () => mean(await read("p5")) === 15);
    expect((await read("p5")).warnings).toEqual([
      "features: they look back over more than the 2 readings that there are",
    ]);
    const rows = [90, 150].map((second) => ({
      asset: "p5",
      time: new Date(START + second * 1_000).toISOString(),
    }));
    const history = await scorer.scoring.history({ model: "pumps", rows });
    expect(history.rows.map(({ epoch, values }) => [epoch, values["pressure_mean_5"]])).toEqual([
      [0, 150],
      [1, 10],
    ]);
  });

  it("stores no score of an owner that lost the shard, and shares the shards with another scorer", async () => {
    const [score] = await db.online.scores({ model: "pumps", asset: "p1", limit: 1 });
    if (score === undefined) throw new Error("no score of p1");
    const { shard, fence } = scorer.scoring.fenceOf("p1") ?? { shard: -1, fence: -1 };
    const put = async (of: number, headline: number) => {
      await db.online.putScores([{ ...score, headline, shard, fence: of }]);
      return (await db.online.scores({ model: "pumps", asset: "p1", limit: 1 }))[0]?.headline;
    };
    expect(await put(fence - 1, 1e6)).toBe(score.headline);
    expect(await put(fence, 1e6)).toBe(1e6);
    const other = { scorerId: randomUUID(), url: "http://127.0.0.1:9", secret: "x" };
    await until(async () => (await db.online.renew(other, 2_000)).length === 32);
    expect(scorer.scoring.shards).toHaveLength(32);
    await db.online.leave(other.scorerId);
    await until(() => scorer.scoring.shards.length === 64);
  });
});
