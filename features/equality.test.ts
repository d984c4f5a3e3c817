/**
 * The three executions of every operator are equal, on random fleets; no feature sees the future; the bits do not
 * depend on the number of threads.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FittedState } from "../schemas/data/feature-set.ts";
import type { FeatureView } from "./feature-view.ts";
import { createAssetState } from "./online.ts";
import type { AssetContext, LiveReading } from "./online.ts";
import { OPERATORS } from "./operators/table.ts";
import { referenceFeatures } from "./series.ts";
import { scaleOf } from "./support/feature-scale.ts";
import { fleet, liveEvents, PROPERTY_RUNS, valuesByName } from "./support/random-series.ts";
import type { Fleet } from "./support/random-series.ts";
import { manifestOf, pipelineOf, writeSources } from "./support/test-dataset.ts";
import type { TestSource } from "./support/test-dataset.ts";
import { createTestEngine } from "./support/test-engine.ts";
import type { TestEngine } from "./support/test-engine.ts";
import { transformShard } from "./transform.ts";
import { compileView } from "./view.ts";

const FEATURES = [
  {
    expression: {
      name: "ratio",
      formula: 'x / max([y "odd" name], 1) + sqrt(x) - log(abs(x))',
    },
  },
  { current: {} },
  {
    rolling: {
      columns: ["x", "ratio"],
      stats: ["mean", "std", "min", "max", "median", "q10", "q90", "slope", "sum", "count"],
      windows: [1, 3, 10, "2h", "90m"],
    },
  },
  {
    rolling: {
      columns: ['y "odd" name'],
      stats: ["mean", "std", "slope"],
      windows: [7, "1d"],
      minPeriods: 3,
    },
  },
  { lag: { steps: [1, 5] } },
  { difference: { steps: [1, 4] } },
  { exponential: { halfLives: [0.3, 2.5, 10] } },
  { expanding: { stats: ["mean", "std", "min", "max"], minPeriods: 2 } },
  { baseline: { over: "life" } },
  { baseline: { over: 5 } },
  { age: {} },
  { age: { resetBy: { source: "repairs", where: { kind: "major" } } } },
  { event_count: { source: "repairs", windows: ["3h", "2d"] } },
  { event_count: { source: "repairs", where: { kind: ["minor", "major"], planned: true }, windows: ["1d"] } },
  { time_since: { source: "repairs", where: { kind: "minor" } } },
  { attribute: { source: "plates", columns: ["rating", "model"] } },
  { cyclical: { of: ["hour_of_day", "day_of_week", "month_of_year"] } },
  { correlation: { pairs: [["x", 'y "odd" name']], windows: [5, "4h"] } },
  { category: { columns: ["mode"] } },
  { expression: { name: "trend", formula: "x_mean_3 - x_mean_10" } },
  { expression: { name: "trend2", formula: "min(trend, x) * -2" } },
];

const FITTED: FittedState = { categories: { mode: ["off", "on"], model: ["M-1", "M-2"] } };

let engines: TestEngine[];
beforeAll(async () => {
  engines = await Promise.all([1, 2, 4].map((threads) => createTestEngine(threads)));
});
afterAll(() => Promise.all(engines.map((engine) => engine.close())));

function viewOf({ sources }: Fleet): FeatureView {
  return compileView(pipelineOf(sources, { features: FEATURES }), manifestOf(sources));
}

/** Features by SQL: per asset, per feature, in order of the readings. */
async function bySql(engine: TestEngine, view: FeatureView, { sources }: Fleet) {
  const paths = await writeSources(engine, sources, "random");
  const { readings = [], ...others } = paths;
  const out = `${engine.folder}/random-out.parquet`;
  await transformShard(engine, { view, fitted: FITTED, readings, sources: others, out });
  return engine.columns(`SELECT * FROM read_parquet('${out}')`);
}

function asset({ sources }: Fleet, id: string): { readings: LiveReading[]; context: AssetContext } {
  const { readings, repairs, plates } = sources;
  const plate = plates.rows.find((row) => row.asset === id);
  return {
    readings: readings.rows
      .filter((row) => row.asset === id)
      .map((row) => ({ t: row.t ?? 0, values: valuesByName(readings, row.values) })),
    context: {
      events: { repairs: liveEvents(repairs, id) },
      attributes: plate === undefined ? {} : { plates: valuesByName(plates, plate.values) },
    },
  };
}

/** Rows of one asset of one feature. */
function sqlValues(table: Awaited<ReturnType<typeof bySql>>, id: string, physical: string): number[] {
  const assets = table.columns["__asset"] ?? [];
  return [...(table.columns[physical] ?? [])].filter((_, i) => assets[i] === id).map(Number);
}

describe("the three executions", () => {
  it("covers every operator", () => {
    const used = new Set(FEATURES.flatMap((feature) => Object.keys(feature)));
    expect([...used].sort()).toEqual(Object.keys(OPERATORS).sort());
  });

  it("gives equal features by SQL, live state and reference", async () => {
    const [, engine] = engines;
    if (engine === undefined) throw new Error("no engine");
    await fc.assert(
      fc.asyncProperty(fleet, async (random) => {
        const view = viewOf(random);
        const table = await bySql(engine, view, random);
        for (const id of new Set(random.sources.readings.rows.map((row) => row.asset ?? ""))) {
          const { readings, context } = asset(random, id);
          const reference = referenceFeatures(view, FITTED, { readings, context });
          const t = readings.map((reading) => reading.t);
          const state = createAssetState(view, FITTED);
          const live = readings.map((reading) => state.push(reading, context));
          view.features.forEach((feature, f) => {
            const values = [...(reference[f] ?? [])];
            const of = (column: string) => columnValues(view, reference, column);
            const scales = values.map((expected, at) => scaleOf(feature, { view, t, at, of }, expected));
            const near = (other: number[], name: string) =>
              expect(mismatch(values, other, scales), `${id} ${feature.name} ${name}`).toBeUndefined();
            near(
              live.map((row) => row[f] ?? Number.NaN),
              "live",
            );
            near(sqlValues(table, id, feature.physical), "sql");
          });
        }
      }),
      { numRuns: PROPERTY_RUNS, seed: 7, endOnFailure: true },
    );
  }, 120_000);
});

/** The fleet with every reading after position k of its asset changed, and every later event dropped. */
function changedAfter({ sources }: Fleet, k: number): Fleet {
  const position = new Map<string, number>();
  const lastTime = new Map<string, number>();
  const rows = sources.readings.rows.map((row) => {
    const id = row.asset ?? "";
    const index = position.get(id) ?? 0;
    position.set(id, index + 1);
    if (index <= k) lastTime.set(id, row.t ?? 0);
    return index <= k ? row : { ...row, values: [-1e7, null, "off"] };
  });
  const repairs = sources.repairs.rows.filter((row) => (row.t ?? 0) <= (lastTime.get(row.asset ?? "") ?? 0));
  return {
    sources: {
      ...sources,
      readings: { ...sources.readings, rows },
      repairs: { ...sources.repairs, rows: repairs },
    },
  };
}

describe("leakage", () => {
  it("keeps every bit of every feature at or before t when anything after t changes", async () => {
    const [, engine] = engines;
    if (engine === undefined) throw new Error("no engine");
    await fc.assert(
      fc.asyncProperty(fleet, fc.integer({ min: 0, max: 30 }), async (random, k) => {
        const view = viewOf(random);
        const before = await bySql(engine, view, random);
        const after = await bySql(engine, view, changedAfter(random, k));
        for (const id of new Set(random.sources.readings.rows.map((row) => row.asset ?? ""))) {
          for (const { physical, name } of view.features) {
            const seen = (table: typeof before) => sqlValues(table, id, physical).slice(0, k + 1);
            expect(seen(after), `${id} ${name}`).toEqual(seen(before));
          }
        }
      }),
      { numRuns: Math.ceil(PROPERTY_RUNS / 3), seed: 8, endOnFailure: true },
    );
  }, 120_000);
});

describe("determinism", () => {
  it("gives the same bits at 1, 2 and 4 threads, over many row groups", async () => {
    const source: TestSource = {
      columns: [
        { name: "x", type: "float" },
        { name: "y", type: "float" },
      ],
      rows: [],
    };
    const view = compileView(
      pipelineOf(
        { readings: source },
        {
          features: [
            { rolling: { stats: ["mean", "std", "slope"], windows: [5, 30] } },
            { exponential: { halfLives: [3] } },
            { expanding: { stats: ["mean", "std"] } },
            { baseline: {} },
            { correlation: { pairs: [["x", "y"]], windows: [30] } },
          ],
        },
      ),
      manifestOf({ readings: source }),
    );
    const prints = [];
    for (const engine of engines) {
      const readings = `${engine.folder}/many.parquet`;
      await engine.copyToParquet(
        `SELECT 'a' || (i % 37) AS __asset, i // 37 AS __t, i AS __seq, '' AS __part,
           1e3 + (hash(i) % 100000) / 7e0 AS v0, CASE WHEN i % 11 > 0 THEN sin(i) END AS v1 FROM range(150000) t(i)`,
        readings,
        { orderBy: ["__asset", "__t", "__seq"] },
      );
      const out = `${engine.folder}/many-out.parquet`;
      await transformShard(engine, { view, fitted: {}, readings: [readings], sources: {}, out });
      const columns = view.features.map(
        ({ physical }) => `bit_xor(hash(${physical}, __seq))::VARCHAR AS ${physical}`,
      );
      prints.push((await engine.columns(`SELECT ${columns.join(", ")} FROM read_parquet('${out}')`)).columns);
    }
    expect(prints[1]).toEqual(prints[0]);
    expect(prints[2]).toEqual(prints[0]);
  }, 240_000);
});

/** Each column is also a feature of its own name. */
function columnValues(
  view: FeatureView,
  reference: readonly Float64Array[],
  column: string,
): ArrayLike<number> {
  return reference[view.features.findIndex((feature) => feature.name === column)] ?? [];
}

function mismatch(expected: number[], got: number[], scales: readonly number[]): string | undefined {
  if (expected.length !== got.length) return `${got.length} rows instead of ${expected.length}`;
  const row = expected.findIndex((value, i) => {
    const other = got[i] ?? Number.NaN;
    if (Number.isNaN(value) || Number.isNaN(other)) return Number.isNaN(value) !== Number.isNaN(other);
    return Math.abs(value - other) > 1e-9 * (scales[i] ?? 0);
  });
  return row < 0
    ? undefined
    : `row ${row}: expected ${expected[row]}, got ${got[row]} (scale ${scales[row]})`;
}
