import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manifestOf, pipelineOf, writeSources } from "../support/test-dataset.ts";
import type { TestSource } from "../support/test-dataset.ts";
import { createTestEngine } from "../support/test-engine.ts";
import type { TestEngine } from "../support/test-engine.ts";
import { transformShard } from "../transform.ts";
import { compileView } from "../view.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await createTestEngine();
});
afterAll(() => engine.close());

const gap = Number.NaN;
const source = (rows: readonly (readonly [asset: string, t: number, x: number | null])[]): TestSource => ({
  columns: [
    { name: "x", type: "float" },
    { name: "other", type: "float" },
  ],
  rows: rows.map(([asset, t, x]) => ({ asset, t, values: [x, -t] })),
});

async function forecastOf(
  readings: TestSource,
  task: object,
  prefix: string,
  expressions: readonly object[] = [],
) {
  const given = {
    features: [...expressions, { current: { columns: ["other"] } }],
    label: { kind: "none" },
    task: { kind: "forecast", column: "x", ...task },
  };
  const view = compileView(pipelineOf({ readings }, given), manifestOf({ readings }));
  const { readings: paths = [] } = await writeSources(engine, { readings }, prefix);
  const out = `${engine.folder}/${prefix}-out.parquet`;
  await transformShard(engine, { view, fitted: {}, readings: paths, sources: {}, out });
  const table = await engine.columns(`SELECT * FROM read_parquet('${out}') ORDER BY __asset, __t`);
  const column = (name: string) => Array.from(table.columns[name] ?? [], Number);
  return { view, column };
}

describe("later values of a column", () => {
  it("are those of the same asset, and unknown beyond its last reading", async () => {
    const readings = source([
      ["a", 1, 10],
      ["a", 2, 20],
      ["a", 3, 30],
      ["b", 1, 1],
      ["b", 4, 4],
    ]);
    const { column, view } = await forecastOf(readings, { horizons: [1, 2] }, "plain");
    expect(column("__target0")).toEqual([20, 30, gap, gap, gap]);
    expect(column("__target1")).toEqual([30, gap, gap, gap, gap]);
    expect(column("__y")).toEqual([20, 30, gap, gap, gap]);
    expect(column("__naive0")).toEqual([10, 20, 30, 1, 4]);
    // The value now is a feature whether or not the file names it.
    expect(view.features.map(({ name }) => name)).toEqual(["other", "x"]);
  });

  it("are of the nearest reading within the tolerance, the earlier of two equally near", async () => {
    const readings = source([
      ["a", 0, 0],
      ["a", 8, 8],
      ["a", 12, 12],
      ["a", 17, 17],
      ["a", 21, 21],
    ]);
    const { column } = await forecastOf(readings, { horizons: 10, tolerance: 2 }, "near");
    // 0 + 10: 8 and 12 are as near; 8 + 10: 17; 12 + 10: 21; nothing is near 27 and 31.
    expect(column("__target0")).toEqual([8, 17, 21, gap, gap]);
  });

  it("skip readings without a value, and begin nowhere where there is none now", async () => {
    const readings = source([
      ["a", 1, 10],
      ["a", 2, null],
      ["a", 3, 30],
      ["a", 4, 40],
    ]);
    const { column } = await forecastOf(readings, { horizons: [1, 2] }, "missing");
    expect(column("__target0")).toEqual([gap, gap, 40, gap]);
    expect(column("__target1")).toEqual([30, gap, gap, gap]);
    expect(column("__naive1")).toEqual([10, gap, 30, 40]);
  });

  it("may be statistics of all readings until then, where the asset is seen until then", async () => {
    const rows = [1, 2, 3, 4, 5].map((t) => ["a", t, t * t] as const);
    const mean = await forecastOf(source(rows), { horizons: 2, statistic: "mean" }, "mean");
    expect(mean.column("__target0")).toEqual([(4 + 9) / 2, (9 + 16) / 2, (16 + 25) / 2, gap, gap]);
    const least = await forecastOf(source(rows), { horizons: 3, statistic: "min" }, "min");
    expect(least.column("__target0")).toEqual([4, 9, gap, gap, gap]);
  });

  it("have naive forecasts of the last season that is over", async () => {
    const rows = Array.from({ length: 8 }, (_, t) => ["a", t, t] as const);
    const { column } = await forecastOf(source(rows), { horizons: [1, 5], season: 4 }, "season");
    // One ahead: three back; five ahead is 8 − 5 = three back as well; the value now where nothing is so early.
    expect(column("__naive0")).toEqual([0, 1, 2, 0, 1, 2, 3, 4]);
    expect(column("__naive1")).toEqual([0, 1, 2, 0, 1, 2, 3, 4]);
  });

  it("are none for a horizon longer than the series", async () => {
    const rows = [1, 2, 3].map((t) => ["a", t, t] as const);
    const { column } = await forecastOf(source(rows), { horizons: 100 }, "long");
    expect(column("__y")).toEqual([gap, gap, gap]);
  });

  it("may be those of an expression, and are never those of a regime's mean", async () => {
    const rows = [1, 2, 3].map((t) => ["a", t, 10 * t] as const);
    const readings = source(rows);
    const { column, view } = await forecastOf(readings, { column: "twice", horizons: 1 }, "expression", [
      { expression: { name: "twice", formula: "2 * x", feature: false } },
    ]);
    expect(column("__target0")).toEqual([40, 60, gap]);
    expect(view.features.map(({ name }) => name)).toEqual(["other", "twice"]);
    const regimes = { columns: ["other"], count: 2, normalize: "*" };
    const normal = compileView(
      pipelineOf(
        { readings },
        { regimes, label: { kind: "none" }, task: { kind: "forecast", column: "x", horizons: 1 } },
      ),
      manifestOf({ readings }),
    );
    expect(normal.regimes?.normalize).toEqual([]);
  });

  it("are not made of a column that no feature may see", () => {
    const readings = source([["a", 1, 1]]);
    const pipeline = (column: string) =>
      pipelineOf({ readings }, { label: { kind: "none" }, task: { kind: "forecast", column, horizons: 1 } });
    expect(() => compileView(pipeline("nothing"), manifestOf({ readings }))).toThrow(/task\.column/);
  });
});
