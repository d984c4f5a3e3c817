import { link, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDuckDb, quoteIdentifier, quoteLiteral } from "./duckdb.ts";
import type { DuckDb } from "./duckdb.ts";
import { escapeProbes, successfulEscapes } from "./escape-probes.ts";

let folder: string;
let duckdb: DuckDb;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aura-duckdb-"));
  duckdb = await createDuckDb({ directories: [join(folder, "data")] });
});
afterAll(async () => {
  duckdb.close();
  await rm(folder, { recursive: true });
});

const file = (name: string) => join(folder, "data", name);

describe("lockdown", () => {
  it("finds the escapes of an open instance, so that the self-test can fail", async () => {
    const open = await (await DuckDBInstance.create(":memory:")).connect();
    const probes = escapeProbes(process.execPath, file("")).filter((p) => p.name.startsWith("read"));
    expect(await successfulEscapes(open, probes)).toContain("read bytes");
    open.closeSync();
  });

  it.each(escapeProbes(process.execPath, tmpdir()))("refuses to $name", async ({ sql }) => {
    await expect(duckdb.run(sql)).rejects.toThrow();
  });

  it("refuses hard links, symbolic links and files elsewhere", async () => {
    const outside = join(folder, "outside.parquet");
    await writeFile(outside, "secret");
    await link(outside, file("hard.parquet"));
    await symlink(outside, file("soft.parquet"));
    await expect(duckdb.parquet([file("hard.parquet")])).rejects.toMatchObject({ code: "integrity" });
    await expect(duckdb.parquet([file("soft.parquet")])).rejects.toMatchObject({ code: "integrity" });
    await expect(duckdb.parquet([join(folder, "data2.parquet")])).rejects.toMatchObject({
      code: "integrity",
    });
  });

  it("stops a runaway statement at its deadline and on abort", async () => {
    const endless =
      "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * b.range = 3";
    await expect(duckdb.run(endless, { deadlineMs: 50 })).rejects.toMatchObject({ code: "overloaded" });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    await expect(duckdb.run(endless, { signal: abort.signal })).rejects.toMatchObject({ code: "cancelled" });
    await expect(duckdb.run("SELECT 1", { signal: abort.signal })).rejects.toMatchObject({
      code: "cancelled",
    });
  });
});

describe("results", () => {
  it("reads typed arrays with NULL as NaN or null, over chunk borders", async () => {
    const table = await duckdb.columns(
      `SELECT CASE WHEN i % 3 <> 0 THEN i / 2 END AS d, i AS n, CASE WHEN i % 2 = 0 THEN 'r' || i END AS s,
              i % 2 = 0 AS b, i::INTEGER AS k FROM range(5000) t(i) ORDER BY i`,
    );
    expect(table.nRows).toBe(5000);
    expect([...(table.columns["d"] as Float64Array).subarray(3000, 3005)]).toEqual([
      Number.NaN,
      1500.5,
      1501,
      Number.NaN,
      1502,
    ]);
    expect(table.columns["n"]?.[4999]).toBe(4999n);
    expect((table.columns["s"] as string[]).slice(4998)).toEqual(["r4998", null]);
    expect(table.columns["b"]?.[1]).toBe(0);
    expect(table.columns["k"]?.[4999]).toBe(4999);
  });

  it("refuses NULL in 64-bit integers and types without an array form", async () => {
    await expect(duckdb.columns("SELECT NULL::BIGINT AS n")).rejects.toThrow(/column n: NULL/);
    await expect(duckdb.columns("SELECT 1::HUGEINT AS n")).rejects.toThrow(/type HUGEINT/);
  });

  it("gives an empty result as empty arrays, and batches as they come", async () => {
    expect((await duckdb.columns("SELECT 1e0 AS a WHERE false")).columns["a"]).toHaveLength(0);
    const sizes: number[] = [];
    for await (const batch of duckdb.batches("SELECT i FROM range(10000) t(i)", { batchRows: 4096 })) {
      sizes.push(batch.nRows);
    }
    expect(sizes.reduce((a, b) => a + b)).toBe(10_000);
    expect(sizes.length).toBeGreaterThan(1);
  });

  it("binds parameters and writes ordered Parquet", async () => {
    const path = file("ordered.parquet");
    const rows = await duckdb.copyToParquet("SELECT 10 - i AS i FROM range(10) t(i)", path, {
      orderBy: ["i"],
    });
    expect(rows).toBe(10);
    const [least] = await duckdb.query(
      `SELECT first(i) AS i FROM ${await duckdb.parquet([path])} WHERE i > ?`,
      {
        params: [4],
      },
    );
    expect(least?.["i"]).toBe(5n);
    expect((await stat(path)).size).toBeGreaterThan(0);
  });
});

describe("quoting", () => {
  it("keeps 10,000 random names data, as identifier and as literal", async () => {
    const hostile = fc.oneof(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
      fc.constantFrom(
        'x"; DROP TABLE r;--',
        "x'",
        "\" FROM read_text('/etc/passwd')",
        "select",
        "\\",
        "a\nb",
      ),
    );
    const names = fc
      .sample(hostile, { numRuns: 10_000, seed: 11 })
      .map((name) => name.replaceAll("\0", "␀").toWellFormed())
      .filter((name) => name !== "");
    // DuckDB compares names without case, so each gets a number in front; the hostile part stays as it is.
    for (let start = 0; start < names.length; start += 500) {
      const part = names.slice(start, start + 500).map((name, i) => `${i}${name}`);
      const inner = part.map((name) => `${quoteLiteral(name)} AS ${quoteIdentifier(name)}`);
      const outer = part.map((name) => quoteIdentifier(name));
      const [row] = await duckdb.query(`SELECT ${outer.join(", ")} FROM (SELECT ${inner.join(", ")})`);
      expect(Object.keys(row ?? {})).toEqual(part);
      expect(Object.values(row ?? {})).toEqual(part);
    }
  });

  it("refuses NUL and the empty identifier", () => {
    expect(() => quoteIdentifier("a\0")).toThrow(RangeError);
    expect(() => quoteIdentifier("")).toThrow(RangeError);
    expect(() => quoteLiteral("\0")).toThrow(RangeError);
  });
});
