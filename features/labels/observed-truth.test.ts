import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGenerator } from "../../numerics/random/generator.ts";
import { manifestOf, pipelineOf, writeSources } from "../support/test-dataset.ts";
import type { TestSource } from "../support/test-dataset.ts";
import { createTestEngine } from "../support/test-engine.ts";
import type { TestEngine } from "../support/test-engine.ts";
import { transformShard } from "../transform.ts";
import { compileView } from "../view.ts";
import { learnClassLabels } from "./column.ts";
import { lifeTruth, saidTruth } from "./observed-truth.ts";
import type { ColumnLabel, LifeHistory, LifeLabel } from "./observed-truth.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await createTestEngine();
});
afterAll(() => engine.close());

/** What a fleet went through, by asset. */
type Fleet = ReadonlyMap<string, LifeHistory & { readonly times: readonly number[]; readonly part: string }>;

const HOUR_US = 3_600_000_000;

/** Times of readings and events in one small range, so that they often meet; some assets never fail. */
function drawFleet(seed: number, unit: number): Fleet {
  const generator = createGenerator(seed);
  const draw = (n: number) =>
    [...new Set(Array.from({ length: generator.integer(n) }, () => generator.integer(24) * unit))].toSorted(
      (a, b) => a - b,
    );
  const assets = Array.from({ length: 14 }, (_, i) => {
    const times = [...draw(20), 30 * unit].slice(i % 3 === 0 ? 0 : -8);
    const history = { failures: draw(4), replacements: draw(4), lastSeen: times.at(-1) ?? -Infinity };
    return [`a-${i}`, { ...history, times, part: i % 2 === 0 ? "ended" : "running" }] as const;
  });
  return new Map(assets);
}

function sourcesOf(fleet: Fleet, timeKind: "cycle" | "timestamp"): Record<string, TestSource> {
  const events = [...fleet].flatMap(([asset, { failures, replacements }]) => [
    ...failures.map((t) => ({ asset, t, values: ["failure"] })),
    ...replacements.map((t) => ({ asset, t, values: ["replacement"] })),
  ]);
  return {
    readings: {
      timeKind,
      columns: [{ name: "x", type: "float" }],
      rows: [...fleet].flatMap(([asset, { times, part }]) =>
        times.map((t) => ({ asset, t, part, values: [1] })),
      ),
    },
    log: { role: "events", timeKind, columns: [{ name: "kind", type: "text" }], rows: events },
  };
}

async function trainingLabels(sources: Record<string, TestSource>, rest: object, prefix: string) {
  const view = compileView(
    pipelineOf(sources, { features: [{ current: { columns: ["x"] } }], ...rest }),
    manifestOf(sources),
  );
  const { readings = [], ...others } = await writeSources(engine, sources, prefix);
  const classLabels = await learnClassLabels(engine, view, readings);
  const out = `${engine.folder}/${prefix}-out.parquet`;
  await transformShard(engine, {
    view,
    fitted: {},
    readings,
    sources: others,
    out,
    ...(classLabels ? { classLabels } : {}),
  });
  const { columns } = await engine.columns(`SELECT * FROM read_parquet('${out}')`);
  const number = (name: string, i: number) => Number(columns[name]?.[i] ?? Number.NaN);
  const rows = [...(columns["__asset"] ?? [])].map((asset, i) => ({
    asset: String(asset),
    t: number("__t", i),
    y: number("__y", i),
    raw: number("__y_raw", i),
    least: "__y_least" in columns ? number("__y_least", i) : Number.NaN,
  }));
  return { rows, view, classLabels: classLabels ?? [] };
}

const failures = { kind: "events", source: "log", where: { kind: "failure" } };
const replaced = { replacements: { source: "log", where: { kind: "replacement" } } };
const within = (horizon: number | string) => ({ kind: "failure_within", horizon });

describe("labels that come later say what training's say", () => {
  it.each([
    ["cycle", failures, within(5)],
    ["cycle", { ...failures, ...replaced, ignoreAfter: 2 }, within(3)],
    ["cycle", { ...failures, ...replaced, cap: 6 }, { kind: "rul" }],
    ["cycle", { ...failures, censored: "drop", cap: 6 }, { kind: "rul" }],
    ["cycle", { ...failures, ignoreAfter: 3 }, { kind: "rul" }],
    ["timestamp", { ...failures, ...replaced, ignoreAfter: "2h" }, within("4h")],
    ["timestamp", { ...failures, ...replaced, cap: "7h" }, { kind: "rul" }],
  ] as const)("of %s and %j, %j", async (timeKind, label, task) => {
    const unit = timeKind === "timestamp" ? HOUR_US : 1;
    for (const seed of [1, 2, 3]) {
      const fleet = drawFleet(seed, unit);
      const { rows, view } = await trainingLabels(
        sourcesOf(fleet, timeKind),
        { label, task },
        `events-${timeKind}-${seed}-${JSON.stringify([label, task]).length}`,
      );
      const told = rows.map(({ asset, t }) => {
        const history = fleet.get(asset) as LifeHistory;
        return { asset, t, ...lifeTruth(view.label as LifeLabel, { history, t }, timeKind) };
      });
      expect(told).toEqual(rows);
      expect(new Set(rows.map(({ y }) => y)).size).toBeGreaterThan(1);
    }
  });

  it.each([
    [{ kind: "rul" }, 5],
    [{ kind: "rul" }, undefined],
    [within(4), undefined],
  ] as const)("of series that end, %j with cap %s", async (task, cap) => {
    const fleet = drawFleet(7, 1);
    const ends = [
      { parts: ["ended"], at: "last_reading" },
      { parts: ["running"], at: "not_failed" },
    ];
    const label = { kind: "end_of_life", ends, ...(cap === undefined ? {} : { cap }) };
    const { readings } = sourcesOf(fleet, "cycle") as { readings: TestSource };
    const { rows, view } = await trainingLabels({ readings }, { label, task }, `ends-${task.kind}-${cap}`);
    const told = rows.map(({ asset, t }) => {
      const { lastSeen = 0, part } = fleet.get(asset) ?? {};
      const history = { failures: part === "ended" ? [lastSeen] : [], replacements: [], lastSeen };
      return { asset, t, ...lifeTruth(view.label as LifeLabel, { history, t }, "cycle") };
    });
    expect(told).toEqual(rows);
  });

  it.each([
    [{ kind: "column", column: "state" }, { kind: "class" }],
    [{ kind: "column", column: "state", positive: "worn" }, { kind: "class" }],
    [{ kind: "column", column: "grade", positive: 2 }, { kind: "class" }],
    [{ kind: "column", column: "grade" }, { kind: "class" }],
    [{ kind: "column", column: "grade" }, { kind: "rul" }],
  ] as const)("of a column, %j as %j", async (label, task) => {
    const states = ["fine", "worn", "2"];
    const readings: TestSource = {
      columns: [
        { name: "x", type: "float" },
        { name: "state", type: "text" },
        { name: "grade", type: "float" },
      ],
      rows: Array.from({ length: 9 }, (_, i) => ({
        asset: "a",
        t: i,
        values: [1, states[i % 3] ?? "", i % 4],
      })),
    };
    const prefix = `column-${label.column}-${task.kind}-${"positive" in label}`;
    const { rows, view, classLabels } = await trainingLabels({ readings }, { label, task }, prefix);
    const place = label.column === "state" ? 1 : 2;
    const told = readings.rows.map(({ values }) =>
      saidTruth(view.label as ColumnLabel, values[place] as string | number, classLabels),
    );
    expect(told).toEqual(rows.map(({ y }) => y));
  });
});

it("knows nothing of a class that training did not see, and of an asset that was never seen", () => {
  const label = { kind: "column", physical: "v0", isText: true, target: "class" } as const;
  expect(saidTruth(label, "burnt", ["fine", "worn"])).toBeNaN();
  const life = { kind: "events", failures: { source: "log", hasAsset: true, conditions: [] } } as const;
  const nothing = { failures: [], replacements: [], lastSeen: -Infinity };
  const target = { task: "failure_within", horizon: 3 } as const;
  expect(lifeTruth({ ...life, target }, { history: nothing, t: 5 }, "cycle").y).toBeNaN();
});
