import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";
import { columnStats } from "./column-stats.ts";

describe("columnStats", () => {
  const folder = mkdtempSync(join(tmpdir(), "aura-stats-"));
  const path = join(folder, "a.parquet");
  const { signal } = new AbortController();
  let duckdb: DuckDb;

  beforeAll(async () => {
    duckdb = await createDuckDb({ directories: [folder], threads: 1, memoryLimit: "128MB" });
    const values = `(1.0::DOUBLE, 1e200::DOUBLE, NULL::DOUBLE, 0.0::DOUBLE, 'x', 5::BIGINT),
      (2.0, -1e200, NULL, 0.0, 'y', 7), (NULL, 1e200, NULL, 0.0, 'x', 9), (6.0, NULL, NULL, 0.0, NULL, NULL)`;
    await duckdb.copyToParquet(`SELECT * FROM (VALUES ${values}) AS t (v0, v1, v2, v3, v4, "v""5")`, path);
  });
  afterAll(() => {
    duckdb.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ["v0", false, { nullShare: 0.25, mean: 3, std: 2.16024689947, min: 1, max: 6, distinct: null }],
    // Squares of 1e200 are no doubles.
    [
      "v1",
      false,
      { nullShare: 0.25, mean: 3.33333333333e199, std: 9.42809041582e199, min: -1e200, max: 1e200 },
    ],
    ["v2", false, { nullShare: 1, mean: null, std: null, min: null, max: null }],
    ["v3", false, { nullShare: 0, mean: 0, std: 0, min: 0, max: 0 }],
    ["v4", true, { nullShare: 0.25, mean: null, std: null, min: null, max: null, distinct: 2 }],
    ['v"5', false, { nullShare: 0.25, mean: 7, min: 5, max: 9 }],
  ])("of %s", async (physical, isText, expected) => {
    const columns = [{ name: physical, physical, isText, form: "" }];
    const [stats] = await columnStats(duckdb, { paths: [path], columns, signal });
    expect(stats).toMatchObject({ rows: 4, ...expected });
  });

  it("are those of no rows where there are no files", async () => {
    const columns = [{ name: "a", physical: "v0", isText: false, form: "" }];
    expect(await columnStats(duckdb, { paths: [], columns, signal })).toEqual([
      { rows: 0, nullShare: null, mean: null, std: null, min: null, max: null, distinct: null },
    ]);
  });
});
