/**
 * What a scorer answers equals what a dataset of the same readings gives: random assets through the engine, with late
 * readings, repeated deliveries, reads that are ahead of what was followed and series that had to make room; and through
 * DuckDB. `npm run test:features` does the same for a hundred thousand series.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { FeatureView } from "../features/feature-view.ts";
import { neededHistory } from "../features/needed-history.ts";
import { scaleOf } from "../features/support/feature-scale.ts";
import { manifestOf, pipelineOf, writeSources } from "../features/support/test-dataset.ts";
import type { TestSource } from "../features/support/test-dataset.ts";
import { createTestEngine } from "../features/support/test-engine.ts";
import type { TestEngine } from "../features/support/test-engine.ts";
import { transformShard } from "../features/transform.ts";
import { compileView } from "../features/view.ts";
import { liveSourceSchema } from "../schemas/live/source.ts";
import { onlineSettings } from "../schemas/pipeline/online.ts";
import type { FollowedReading } from "../stores/postgres/port/online.ts";
import { bindSource } from "./binding.ts";
import { FeatureEngine } from "./feature-engine.ts";
import type { LiveModel } from "./live-model.ts";
import { liveFleet, MODES, SOURCE_KEY } from "./support/live-fleet.ts";
import type { LiveAsset } from "./support/live-fleet.ts";
import { MemoryReadings } from "./support/memory-readings.ts";

const N_SERIES = Number(process.env["AURA_LIVE_SERIES"] ?? 1_000);
const SERIES_PER_DATASET = 500;

const WINDOWS = [
  { expression: { name: "ratio", formula: "x / max([y], 1) + sqrt(x) - log(abs(x))" } },
  { current: {} },
  {
    rolling: {
      columns: ["x", "y"],
      stats: ["mean", "std", "min", "max", "median", "q90", "slope", "sum", "count"],
      windows: [3, "2h"],
    },
  },
  { rolling: { columns: ["z"], stats: ["min", "max", "median"], windows: [3, "2h"] } },
  { rolling: { columns: ["ratio"], stats: ["mean", "q10"], windows: [7], minPeriods: 3 } },
  { lag: { columns: ["x"], steps: [1, 4] } },
  { difference: { columns: ["y"], steps: [2] } },
  { exponential: { columns: ["x"], halfLives: [0.3] } },
  { age: { resetBy: { source: "repairs", where: { kind: "major" } } } },
  { event_count: { source: "repairs", windows: ["2d"] } },
  { time_since: { source: "repairs", where: { kind: "minor" } } },
  { cyclical: { of: ["hour_of_day"] } },
  { correlation: { pairs: [["x", "y"]], windows: [5, "4h"] } },
  { category: { columns: ["mode"] } },
];
const LIFELONG = [
  { expanding: { columns: ["x"], stats: ["mean", "std", "min"] } },
  { expanding: { columns: ["z"], stats: ["min"] } },
  { baseline: { columns: ["x", "y"], over: "life" } },
  { baseline: { columns: ["y"], over: 5 } },
  { age: {} },
];
const FITTED = { categories: { mode: ["off", "on"] } };

/** Features of windows alone are rebuilt from the end of a series; with lifelong ones, from all of it. */
const VIEWS = [
  { name: "windows", features: WINDOWS.filter((feature) => !("age" in feature)) },
  { name: "windows and whole lives", features: [...WINDOWS, ...LIFELONG] },
];

let duckdb: TestEngine;
beforeAll(async () => {
  duckdb = await createTestEngine(2);
});
afterAll(() => duckdb.close());

interface Sources {
  readonly [name: string]: TestSource;
  readonly readings: TestSource;
  readonly repairs: TestSource;
}

const sourcesOf = (readings: TestSource["rows"], repairs: TestSource["rows"]): Sources => ({
  readings: {
    timeKind: "timestamp",
    columns: [
      { name: "x", type: "float" },
      { name: "y", type: "float" },
      { name: "mode", type: "text" },
      { name: "z", type: "float" },
    ],
    rows: readings,
  },
  repairs: {
    role: "events",
    timeKind: "timestamp",
    columns: [{ name: "kind", type: "text" }],
    rows: repairs,
  },
});

const DOCUMENT = liveSourceSchema.parse({
  name: "fleet",
  owner: "test",
  columns: [{ name: "x" }, { name: "y" }, { name: "mode", type: "text", values: MODES }, { name: "z" }],
});

/** What was known of an asset at one moment, and what the engine said. */
interface Sample {
  readonly id: string;
  readonly readings: readonly FollowedReading[];
  readonly asset: LiveAsset;
  readonly live: Float64Array;
}

function modelOf(view: FeatureView, fleet: readonly LiveAsset[]): LiveModel {
  const repairs = new Map(
    fleet.map(({ asset, repairs: events }) => [asset, { events: { repairs: events } }]),
  );
  return {
    model: "fleet",
    version: 1,
    digest: "d".repeat(64),
    view,
    fitted: FITTED,
    binding: bindSource(view, { sourceKey: SOURCE_KEY, document: DOCUMENT }),
    online: onlineSettings(undefined),
    contextOf: (asset) => repairs.get(asset) ?? {},
  };
}

/** Lets the readings arrive round by round, each followed a round after its commit; samples in the middle and at the end. */
async function liveSamples(model: LiveModel, fleet: readonly LiveAsset[]): Promise<Sample[]> {
  const store = new MemoryReadings();
  const failures: unknown[] = [];
  const engine = new FeatureEngine({
    store,
    checkpointEvery: 5,
    maxSeries: Math.ceil(fleet.length * 0.7),
    onUpdate: () => undefined,
    onFailure: (error) => failures.push(error),
  });
  engine.setModels([model]);
  const nRounds = 1 + Math.max(...fleet.flatMap(({ readings }) => readings.map(({ round }) => round)));
  const byRound = Array.from({ length: nRounds }, () => [] as LiveAsset["readings"][number][]);
  for (const { readings } of fleet) for (const reading of readings) byRound[reading.round]?.push(reading);
  const samples: Sample[] = [];
  let following: FollowedReading[] = [];
  for (let round = 0; round < nRounds; round++) {
    const committed = store.commit(byRound[round] ?? []);
    engine.take(following);
    // As after a takeover: what was followed comes once more.
    if (round % 3 === 1) engine.take(following);
    following = committed;
    if (round % 4 === 2) await engine.saveCheckpoints();
    // In every other round rebuilds are still under way when the next readings come.
    if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
    const isLast = round === nRounds - 1;
    if (!isLast && round !== nRounds >> 1) continue;
    engine.take(following);
    following = [];
    for (const asset of fleet) {
      const live = (await engine.series(model, asset.asset)).row.slice();
      samples.push({ id: `${asset.asset}/${isLast}`, readings: store.of(asset.asset), asset, live });
    }
  }
  await engine.close();
  expect(failures).toEqual([]);
  // Without them the short ways of a rebuild would go untested.
  if (fleet.length >= SERIES_PER_DATASET) {
    expect(store.nCut).toBeGreaterThan(0);
    expect(store.nResumed > 0).toBe(neededHistory(model.view).isLifelong);
  }
  return samples;
}

/** The readings of the present lives as a dataset: one asset for each sample. */
function datasetOf(samples: readonly Sample[]): Sources {
  const rows = samples.flatMap(({ id, readings }) => {
    const epoch = readings.at(-1)?.epoch;
    return readings
      .filter((reading) => reading.epoch === epoch)
      .map(({ ts, values: [x = null, y = null, mode = null, z = null] }) => ({
        asset: id,
        t: ts,
        values: [x, y, mode === null ? null : (MODES[mode] ?? null), z],
      }));
  });
  const repairs = samples.flatMap(({ id, asset }) =>
    asset.repairs.map(({ t, values }) => ({ asset: id, t, values: [String(values["kind"])] })),
  );
  return sourcesOf(rows, repairs);
}

async function differences(view: FeatureView, samples: readonly Sample[], prefix: string): Promise<string[]> {
  const { readings = [], ...sources } = await writeSources(duckdb, datasetOf(samples), prefix);
  const out = `${duckdb.folder}/${prefix}-out.parquet`;
  await transformShard(duckdb, { view, fitted: FITTED, readings, sources, out, hasLabel: false });
  const { columns, nRows } = await duckdb.columns(
    `SELECT * FROM read_parquet('${out}') ORDER BY __asset, __t, __seq`,
  );
  const assets = columns["__asset"] ?? [];
  const times = columns["__t"] ?? [];
  const ranges = new Map<string, [number, number]>();
  for (let row = 0; row < nRows; row++) {
    const id = String(assets[row]);
    ranges.set(id, [ranges.get(id)?.[0] ?? row, row]);
  }
  const physical = new Map(view.features.map((feature) => [feature.name, feature.physical]));
  return samples.flatMap(({ id, live, readings: taken }) => {
    const range = ranges.get(id);
    if (range === undefined) return taken.length === 0 ? [] : [`${id}: no row`];
    const known = new Map<string, number[]>();
    const valuesOf = (name: string): number[] => {
      const values =
        known.get(name) ??
        Array.from((columns[physical.get(name) ?? ""] ?? []).slice(range[0], range[1] + 1), Number);
      known.set(name, values);
      return values;
    };
    const t = Array.from({ length: range[1] - range[0] + 1 }, (_, i) => Number(times[range[0] + i]));
    const series = { view, t, at: t.length - 1, of: valuesOf };
    return view.features.flatMap((feature, f) => {
      const expected = valuesOf(feature.name).at(-1) ?? NaN;
      const got = live[f] ?? NaN;
      const scale = scaleOf(feature, series, expected);
      const isEqual = Number.isNaN(expected) ? Number.isNaN(got) : Math.abs(expected - got) <= 1e-9 * scale;
      return isEqual ? [] : [`${id} ${feature.name}: dataset ${expected}, live ${got}, scale ${scale}`];
    });
  });
}

it.each(VIEWS)(
  "gives the features of the dataset of the same readings: $name",
  async ({ name, features }) => {
    const empty = sourcesOf([], []);
    const view = compileView(pipelineOf(empty, { features }), manifestOf(empty));
    const nSeries = Math.ceil(N_SERIES / VIEWS.length);
    for (let from = 0; from < nSeries; from += SERIES_PER_DATASET) {
      const fleet = liveFleet(Math.min(SERIES_PER_DATASET, nSeries - from), 1_000 + from);
      const samples = await liveSamples(modelOf(view, fleet), fleet);
      expect(await differences(view, samples, `${name.length}-${from}`), `seed ${1_000 + from}`).toEqual([]);
    }
  },
  Math.max(240_000, N_SERIES * 50),
);
