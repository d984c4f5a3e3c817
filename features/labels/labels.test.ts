import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manifestOf, pipelineOf, writeSources } from "../support/test-dataset.ts";
import type { TestSource } from "../support/test-dataset.ts";
import { createTestEngine } from "../support/test-engine.ts";
import type { TestEngine } from "../support/test-engine.ts";
import { transformShard } from "../transform.ts";
import { compileView } from "../view.ts";
import { checkLifeTables } from "./check-life-tables.ts";
import { countUnseenClass, learnClassLabels } from "./column.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await createTestEngine();
});
afterAll(() => engine.close());

const gap = Number.NaN;
const series = (asset: string, times: readonly number[], part = "") =>
  times.map((t) => ({ asset, t, part, values: [t, t === 2 ? "hot" : "cold"] }));
const readings: TestSource = {
  columns: [
    { name: "x", type: "float" },
    { name: "state", type: "text" },
  ],
  rows: [...series("a-2", [1, 2, 3, 4, 5, 6]), ...series("a-10", [1, 2, 3])],
};

async function labelsOf(sources: Record<string, TestSource>, rest: object, prefix: string) {
  const view = compileView(
    pipelineOf(sources, { features: [{ current: { columns: ["x"] } }], ...rest }),
    manifestOf(sources),
  );
  const { readings: paths = [], ...others } = await writeSources(engine, sources, prefix);
  const classLabels = await learnClassLabels(engine, view, paths);
  const out = `${engine.folder}/${prefix}-out.parquet`;
  await transformShard(engine, {
    view,
    fitted: {},
    readings: paths,
    sources: others,
    out,
    ...(classLabels ? { classLabels } : {}),
  });
  const table = await engine.columns(`SELECT * FROM read_parquet('${out}')`);
  const byAsset = (name: string) => {
    const values: Record<string, number[]> = {};
    table.columns["__asset"]?.forEach((asset, i) =>
      (values[String(asset)] ??= []).push(Number(table.columns[name]?.[i])),
    );
    return values;
  };
  const least = "__y_least" in table.columns ? { least: byAsset("__y_least") } : {};
  const weight = "__weight" in table.columns ? { weight: byAsset("__weight") } : {};
  return { ...weight, y: byAsset("__y"), raw: byAsset("__y_raw"), ...least, classLabels };
}

const failures = (rows: readonly [string, number, string][]): TestSource => ({
  role: "events",
  columns: [{ name: "kind", type: "text" }],
  rows: rows.map(([asset, t, kind]) => ({ asset, t, values: [kind] })),
});

describe("end of life", () => {
  it("within a horizon: the readings of the last cycles, the last one too", async () => {
    const task = { kind: "failure_within", horizon: 2 };
    const { y } = await labelsOf({ readings }, { task }, "within");
    expect(y).toEqual({ "a-2": [0, 0, 0, 1, 1, 1], "a-10": [1, 1, 1] });
  });

  it("matches rows by number in numeric order of the ids, within the part", async () => {
    const truth: TestSource = {
      role: "labels",
      hasAsset: false,
      timeKind: "none",
      columns: [{ name: "left", type: "integer" }],
      rows: [{ values: [100] }, { values: [7] }],
    };
    const rows = [
      ...series("a-2", [1, 2], "test"),
      ...series("a-10", [1, 2], "test"),
      ...series("b-1", [1, 2], "train"),
      ...series("c-1", [1], "other"),
    ];
    const label = {
      kind: "end_of_life",
      cap: 50,
      ends: [
        { parts: ["train"], at: "last_reading" },
        { parts: ["test"], at: { source: "truth", column: "left", match: "row_number" } },
      ],
    };
    const { y, raw } = await labelsOf({ readings: { ...readings, rows }, truth }, { label }, "rows");
    expect(raw).toEqual({ "a-2": [101, 100], "a-10": [8, 7], "b-1": [1, 0], "c-1": [gap] });
    expect(y["a-2"]).toEqual([50, 50]);
    expect(y["c-1"]).toEqual([gap]);
  });

  it("refuses a table with a row too few", async () => {
    const truth: TestSource = {
      role: "labels",
      hasAsset: false,
      timeKind: "none",
      columns: [{ name: "left", type: "integer" }],
      rows: [{ values: [100] }],
    };
    const label = {
      kind: "end_of_life",
      ends: [{ at: { source: "truth", column: "left", match: "row_number" } }],
    };
    const sources = { readings, truth };
    const view = compileView(pipelineOf(sources, { label }), manifestOf(sources));
    const paths = await writeSources(engine, sources, "short");
    await expect(checkLifeTables(engine, view, paths)).rejects.toThrow(
      "expected 2 rows, one per asset, got 1",
    );
  });

  it("knows of a part that had not failed what its lives exceed, and that it did not fail so soon", async () => {
    const rows = [...series("a-1", [1, 2, 3], "failed"), ...series("b-1", [1, 2, 3, 5], "running")];
    const ends = [
      { parts: ["failed"], at: "last_reading" },
      { parts: ["running"], at: "not_failed" },
    ];
    const sources = { readings: { ...readings, rows } };
    const { y, least } = await labelsOf(sources, { label: { kind: "end_of_life", ends } }, "running");
    expect(y).toEqual({ "a-1": [2, 1, 0], "b-1": [gap, gap, gap, gap] });
    expect(least).toEqual({ "a-1": [gap, gap, gap], "b-1": [4, 3, 2, gap] });
    const task = { kind: "failure_within", horizon: 2 };
    const within = await labelsOf(sources, { label: { kind: "end_of_life", ends }, task }, "running-within");
    expect(within.y).toEqual({ "a-1": [1, 1, 1], "b-1": [0, 0, 0, gap] });
    expect(within.least).toBeUndefined();
  });

  it("matches by asset", async () => {
    const truth: TestSource = {
      role: "labels",
      timeKind: "none",
      columns: [{ name: "left", type: "float" }],
      rows: [{ asset: "a-10", values: [9] }],
    };
    const label = {
      kind: "end_of_life",
      ends: [{ at: { source: "truth", column: "left", match: "asset" } }],
    };
    const { y } = await labelsOf({ readings, truth }, { label }, "match");
    expect(y).toEqual({ "a-2": [gap, gap, gap, gap, gap, gap], "a-10": [11, 10, 9] });
  });
});

describe("failure events", () => {
  it("within a horizon: 1 before a failure, 0 when seen past it, missing when the readings end first", async () => {
    const sources = {
      readings,
      failures: failures([
        ["a-2", 3, "stop"],
        ["a-2", 3, "stop"],
        ["a-2", 5, "warning"],
      ]),
    };
    const rest = {
      label: { kind: "events", source: "failures", where: { kind: "stop" } },
      task: { kind: "failure_within", horizon: 2 },
    };
    const { y } = await labelsOf(sources, rest, "events");
    expect(y).toEqual({ "a-2": [1, 1, 0, 0, gap, gap], "a-10": [0, gap, gap] });
  });

  it("remaining life to the next failure, with cap, and readings after a repair left out", async () => {
    const sources = {
      readings,
      failures: failures([
        ["a-2", 3, "stop"],
        ["a-2", 9, "stop"],
      ]),
    };
    const label = { kind: "events", source: "failures", cap: 4, ignoreAfter: 1 };
    const { y, raw } = await labelsOf(sources, { label }, "life");
    expect(raw["a-2"]).toEqual([2, 1, gap, gap, 4, 3]);
    expect(y["a-2"]).toEqual([2, 1, gap, gap, 4, 3]);
    expect(y["a-10"]).toEqual([gap, gap, gap]);
  });

  it("of readings that no failure followed, what the life exceeds; the cap where that reaches it", async () => {
    const sources = {
      readings,
      failures: failures([["a-2", 3, "stop"]]),
    };
    const label = { kind: "events", source: "failures", cap: 2 };
    const bounded = await labelsOf(sources, { label }, "censored");
    // The last reading of an asset says nothing: it was seen for no longer.
    expect(bounded.least).toEqual({ "a-2": [gap, gap, gap, gap, 1, gap], "a-10": [gap, 1, gap] });
    expect(bounded.y).toEqual({ "a-2": [2, 1, 2, 2, gap, gap], "a-10": [2, gap, gap] });
    expect(bounded.raw).toEqual({ "a-2": [2, 1, gap, gap, gap, gap], "a-10": [gap, gap, gap] });
    const { cap: _, ...uncapped } = label;
    const open = await labelsOf(sources, { label: uncapped }, "censored-open");
    expect(open.least).toEqual({ "a-2": [gap, gap, 3, 2, 1, gap], "a-10": [2, 1, gap] });
    const dropped = await labelsOf(sources, { label: { ...label, censored: "drop" } }, "dropped");
    expect(dropped.y).toEqual({ "a-2": [2, 1, gap, gap, gap, gap], "a-10": [gap, gap, gap] });
    expect(dropped.least).toBeUndefined();
  });

  it("ends with a replacement, after which another life begins", async () => {
    const sources = {
      readings,
      events: failures([
        ["a-2", 3, "change"],
        ["a-2", 5, "stop"],
        ["a-2", 5, "change"],
        ["a-10", 3, "change"],
      ]),
    };
    const label = {
      kind: "events",
      source: "events",
      where: { kind: "stop" },
      replacements: { source: "events", where: { kind: "change" } },
    };
    const life = await labelsOf(sources, { label }, "replaced");
    expect(life.y).toEqual({ "a-2": [gap, gap, 2, 1, gap, gap], "a-10": [gap, gap, gap] });
    expect(life.least).toEqual({ "a-2": [2, 1, gap, gap, 1, gap], "a-10": [2, 1, gap] });
    const dropped = await labelsOf(sources, { label: { ...label, censored: "drop" } }, "replaced-dropped");
    expect(dropped.y).toEqual(life.y);
    const task = { kind: "failure_within", horizon: 2 };
    const within = await labelsOf(sources, { label, task }, "replaced-within");
    // At 2 the part was changed before the horizon was over: nobody knows.
    expect(within.y["a-2"]).toEqual([0, gap, 1, 1, gap, gap]);
  });

  it("from a flag in the readings", async () => {
    const rest = {
      label: { kind: "column", column: "state", positive: "hot" },
      task: { kind: "failure_within", horizon: 1 },
    };
    const { y } = await labelsOf({ readings }, rest, "flag");
    expect(y["a-10"]).toEqual([1, 0, gap]);
  });
});

it("stands beside the weight of a row, which is no feature", async () => {
  const rest = { features: [{ category: { columns: ["state"] } }], training: { weight: { column: "x" } } };
  const { weight } = await labelsOf({ readings }, rest, "weighed");
  expect(weight?.["a-10"]).toEqual([1, 2, 3]);
  await expect(labelsOf({ readings }, { training: rest.training }, "weighed-feature")).rejects.toThrow("x");
});

describe("a label column", () => {
  it("is the positive class or not", async () => {
    const rest = { label: { kind: "column", column: "state", positive: "hot" }, task: { kind: "class" } };
    const { y, classLabels } = await labelsOf({ readings }, rest, "positive");
    expect(y["a-10"]).toEqual([0, 1, 0]);
    expect(classLabels).toEqual(["not hot", "hot"]);
  });

  it("is a class by its place among the sorted labels", async () => {
    const rest = { label: { kind: "column", column: "state" }, task: { kind: "class" } };
    const { y, classLabels } = await labelsOf({ readings }, rest, "class");
    expect(classLabels).toEqual(["cold", "hot"]);
    expect(y["a-10"]).toEqual([0, 1, 0]);
  });

  it("sorts numeric classes by value, and is a number for rul", async () => {
    const features = [{ category: { columns: ["state"] } }];
    const rest = { features, label: { kind: "column", column: "x" }, task: { kind: "class" } };
    expect((await labelsOf({ readings }, rest, "numbers")).classLabels).toEqual([
      "1",
      "2",
      "3",
      "4",
      "5",
      "6",
    ]);
    const { y } = await labelsOf(
      { readings },
      { features, label: { kind: "column", column: "x" } },
      "target",
    );
    expect(y["a-10"]).toEqual([1, 2, 3]);
  });

  it("learns classes from the rows it may learn from, and counts the others", async () => {
    const rest = { label: { kind: "column", column: "state" }, task: { kind: "class" } };
    const view = compileView(
      pipelineOf({ readings }, { features: [{ current: { columns: ["x"] } }], ...rest }),
      manifestOf({ readings }),
    );
    const { readings: paths = [] } = await writeSources(engine, { readings }, "unseen");
    const all = await learnClassLabels(engine, view, paths);
    expect(await countUnseenClass(engine, view, { paths, classLabels: all ?? [] })).toBe(0);
    const [first = ""] = all ?? [];
    const some = await learnClassLabels(engine, view, paths, `v1 = '${first}'`);
    expect(some).toEqual([first]);
    expect(await countUnseenClass(engine, view, { paths, classLabels: [first] })).toBeGreaterThan(0);
  });
});
