import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";
import { rowChanges } from "./row-changes.ts";

describe("rowChanges", () => {
  const folder = mkdtempSync(join(tmpdir(), "aura-rows-"));
  const { signal } = new AbortController();
  let duckdb: DuckDb;
  let written = 0;

  beforeAll(async () => {
    duckdb = await createDuckDb({ directories: [folder], threads: 2, memoryLimit: "128MB" });
  });
  afterAll(() => {
    duckdb.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Rows as `asset, t, value, word`. */
  const side = async (...rows: readonly string[]) => {
    if (rows.length === 0) return { paths: [], columns: ["v0", "v1"] };
    const path = join(folder, `${written++}.parquet`);
    const values = rows.map((row) => `(${row})`).join(", ");
    await duckdb.copyToParquet(
      `SELECT a::VARCHAR AS __asset, t::BIGINT AS __t, x::DOUBLE AS v0, w::VARCHAR AS v1 FROM (VALUES ${values}) AS r (a, t, x, w)`,
      path,
    );
    return { paths: [path], columns: ["v0", "v1"] };
  };
  const between = async (a: readonly string[], b: readonly string[]) =>
    rowChanges(duckdb, { a: await side(...a), b: await side(...b), signal });

  const one = "'p', 1, 1.5, 'on'";
  const two = "'p', 2, NULL, 'on'";
  const other = "'q', 1, 1.5, 'on'";

  it.each<[string, readonly string[], readonly string[], readonly [number, number, number, number]]>([
    ["the same rows in another order", [one, two, other], [other, one, two], [3, 0, 0, 0]],
    ["rows that came and went", [one, two], [two, other], [1, 0, 1, 1]],
    ["another value", [one, two], ["'p', 1, 1.25, 'on'", two], [1, 1, 0, 0]],
    ["another text", [one], ["'p', 1, 1.5, 'off'"], [0, 1, 0, 0]],
    ["a value that was missing", [two], ["'p', 2, 0, 'on'"], [0, 1, 0, 0]],
    [
      "several rows of one time, in another order",
      [one, "'p', 1, 2, 'on'"],
      ["'p', 1, 2, 'on'", one],
      [2, 0, 0, 0],
    ],
    ["one more of a time", [one], [one, one], [0, 1, 1, 0]],
    ["no rows before", [], [one], [0, 0, 1, 0]],
    ["none after", [one, two], [], [0, 0, 0, 2]],
  ])("of %s", async (_name, a, b, [equal, changed, added, removed]) => {
    expect(await between(a, b)).toEqual({ equal, changed, added, removed });
  });
});
