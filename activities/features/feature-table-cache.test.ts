import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { FeatureSetManifest } from "../../schemas/data/feature-set.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";
import { putDocument } from "../../stores/objects/documents.ts";
import { createObjectStore } from "../../stores/objects/object-store.ts";
import { putParquet } from "../parquet-object.ts";
import { FeatureTableCache } from "./feature-table-cache.ts";

let folder: string;
let duckdb: DuckDb;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aura-tables-"));
  duckdb = await createDuckDb({ directories: [folder] });
});
afterAll(async () => {
  duckdb.close();
  await rm(folder, { recursive: true, force: true });
});

/** Three readings of two assets: a known life, a bound, and one of which nothing is known. */
const ROWS =
  "SELECT * FROM (VALUES ('a', 0::BIGINT, 0::BIGINT, '', 4e0, 4e0, NULL::DOUBLE, 2e0, false, 7e0)," +
  " ('b', 0, 1, '', NULL, NULL, 9e0, 0e0, false, 8e0), ('b', 1, 2, '', NULL, NULL, NULL, NULL, true, NULL))" +
  " AS t(__asset, __t, __seq, __part, __y, __y_raw, __y_least, __weight, __last, f0)";

async function load(name: string, given: Pick<FeatureSetManifest, "nCensored" | "hasWeight">) {
  const objects = createObjectStore({
    objects: `file://${folder}/objects`,
    cacheDir: join(folder, "cache"),
    cacheMaxBytes: 1e6,
  });
  const path = join(folder, `${name}.parquet`);
  const rows = await duckdb.copyToParquet(ROWS, path, { orderBy: ["__asset", "__t", "__seq"] });
  const hash = "0".repeat(64);
  const manifest: FeatureSetManifest = {
    kind: "aura.features/1",
    dataset: hash,
    view: hash,
    fitted: hash,
    features: [{ name: "x", physical: "f0", kind: "number" }],
    parts: [await putParquet(objects, { path, rows, shard: 0 })],
    nRows: rows,
    nLabelled: 1,
    nAssets: 2,
    ...given,
  };
  const cache = new FeatureTableCache(objects, duckdb);
  return cache.load(await putDocument(objects, manifest), { kind: "spread", maxRows: 1_000 });
}

it("reads what unlabelled rows are known to exceed, and how much rows count", async () => {
  const { y, yLeast, weight } = await load("both", { nCensored: 1, hasWeight: true });
  expect([...y]).toEqual([4, Number.NaN, Number.NaN]);
  expect([...yLeast]).toEqual([Number.NaN, 9, Number.NaN]);
  expect([...(weight ?? [])]).toEqual([2, 0, Number.NaN]);
});

it("knows of neither where the set says so", async () => {
  const { yLeast, weight } = await load("neither", {});
  expect([...yLeast]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  expect(weight).toBeUndefined();
});
