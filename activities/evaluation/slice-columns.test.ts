import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fitView } from "../../features/fit.ts";
import { manifestOf, pipelineOf, writeSources } from "../../features/support/test-dataset.ts";
import type { TestSource } from "../../features/support/test-dataset.ts";
import { compileView } from "../../features/view.ts";
import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import { createObjectStore } from "../../stores/objects/object-store.ts";
import { readSlices } from "./slice-columns.ts";

const folder = mkdtempSync(join(tmpdir(), "slices-"));
const duckdb = await createDuckDb({ directories: [folder], memoryLimit: "256MB", threads: 1 });
const objects = createObjectStore({
  objects: `file://${join(folder, "objects")}`,
  cacheDir: join(folder, "cache"),
});
afterAll(() => {
  duckdb.close();
  rmSync(folder, { recursive: true, force: true });
});

const LONG = "x".repeat(100);
const readings: TestSource = {
  columns: [
    { name: "load", type: "float" },
    { name: "mode", type: "text" },
    { name: "grade", type: "integer" },
    { name: "is new", type: "boolean" },
  ],
  rows: [
    { asset: "b", t: 1, values: [100, "hot\u0007", 2, true] },
    { asset: "a", t: 1, values: [1, "cold", 1, false] },
    { asset: "a", t: 2, values: [101, `${LONG}1`, null, true] },
    { asset: "b", t: 2, values: [2, `${LONG}2`, 2, null] },
    { asset: "c", t: 1, values: [null, null, 1, false] },
  ],
};
const attributes: TestSource = {
  role: "attributes",
  timeKind: "none",
  columns: [
    { name: "site", type: "text" },
    { name: "rating", type: "float" },
  ],
  rows: [
    { asset: "a", values: ["Nord", 2.5] },
    { asset: "b", values: ["'; DROP TABLE", 10] },
  ],
};
const sources = { readings, plant: attributes };
const pipeline = pipelineOf(sources, {
  regimes: { columns: ["load"], count: 2, normalize: ["load"] },
  features: [{ current: { columns: ["load"] } }],
  evaluate: { slices: ["mode", "grade", "is new", "site", "plant.rating", "regime"] },
});
/** Rows of a feature table stand by asset and time: a1 a2 b1 b2 c1. */
const table = { seq: Float64Array.of(1, 2, 0, 3, 4) };

describe("readSlices", () => {
  let dataset: DatasetManifest;
  let paths: Record<string, string[]>;
  beforeAll(async () => {
    const engine = { folder, copyToParquet: duckdb.copyToParquet.bind(duckdb) };
    paths = await writeSources(engine, sources, "s");
    dataset = manifestOf(sources);
    for (const [name, [path = ""] = []] of Object.entries(paths)) {
      const object = await objects.putFile(`datasets/${name}.parquet`, path);
      dataset.sources[name]?.parts.push({ object, rows: 1, shard: 0 });
    }
  });

  const slicesOf = async (rows: readonly number[]) => {
    const view = compileView(pipeline, dataset);
    const fitted = await fitView(duckdb, { view, sources: paths, rows: "all" });
    const request = { pipeline, dataset, view, fitted, table, rows: Int32Array.from(rows) };
    const slices = await readSlices({ duckdb, objects }, request);
    return new Map(
      slices.map(({ column, codes, values }) => [column, [...codes].map((code) => values[code]?.value)]),
    );
  };

  it("reads columns that are no features, attributes and regimes, as texts beside the rows", async () => {
    const found = await slicesOf([0, 1, 2, 3, 4]);
    expect(found.get("grade")).toEqual(["1", "no value", "2", "2", "1"]);
    expect(found.get("is new")).toEqual(["false", "true", "true", "no value", "false"]);
    expect(found.get("site")).toEqual(["Nord", "Nord", "'; DROP TABLE", "'; DROP TABLE", "no value"]);
    expect(found.get("plant.rating")).toEqual(["2.5", "2.5", "10", "10", "no value"]);
    const regimes = found.get("regime") ?? [];
    expect(regimes[0]).toBe(regimes[3]);
    expect(regimes[1]).toBe(regimes[2]);
    expect(regimes[0]).toMatch(/^[12]: load 1\.5$/);
    expect(regimes[4]).toBe("no value");
  });

  it("keeps long texts apart and short, and takes out what controls a terminal", async () => {
    const modes = (await slicesOf([0, 1, 2, 3])).get("mode") ?? [];
    expect(modes[0]).toBe("cold");
    expect(modes[2]).toBe("hot\ufffd");
    expect(modes[1]).not.toBe(modes[3]);
    for (const mode of [modes[1], modes[3]]) expect(Array.from(mode ?? "")).toHaveLength(64);
  });

  it("counts the asked rows alone", async () => {
    const found = await slicesOf([4]);
    expect(found.get("mode")).toEqual(["no value"]);
    expect(found.get("grade")).toEqual(["1"]);
  });
});
