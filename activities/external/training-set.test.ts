import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { FeatureSetManifest } from "../../schemas/data/feature-set.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";
import { putDocument, readFeatureSet } from "../../stores/objects/documents.ts";
import { createObjectStore } from "../../stores/objects/object-store.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { FeatureTableCache } from "../features/feature-table-cache.ts";
import { putParquet } from "../parquet-object.ts";
import { storeTrainingSet } from "./training-set.ts";

let folder: string;
let duckdb: DuckDb;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aura-training-set-"));
  await mkdir(join(folder, "scratch"));
  duckdb = await createDuckDb({ directories: [folder] });
});
afterAll(async () => {
  duckdb.close();
  await rm(folder, { recursive: true, force: true });
});

/** Three readings of asset a, one each of b and c. */
const ROWS =
  "SELECT asset AS __asset, seq AS __t, seq AS __seq, '' AS __part, 1e0 AS __y, 1e0 AS __y_raw, false AS __last, seq::DOUBLE AS f0" +
  " FROM (VALUES ('a', 0::BIGINT), ('a', 1), ('a', 2), ('b', 3), ('c', 4)) AS t(asset, seq)";

it("holds the rows of one fold alone, and how much each counts where the pipeline says so", async () => {
  const objects = createObjectStore({
    objects: `file://${folder}/objects`,
    cacheDir: join(folder, "cache"),
    cacheMaxBytes: 1e6,
  });
  const path = join(folder, "all.parquet");
  const rows = await duckdb.copyToParquet(ROWS, path, { orderBy: ["__seq"] });
  const hash = "0".repeat(64);
  const manifest: FeatureSetManifest = {
    kind: "aura.features/1",
    dataset: hash,
    view: hash,
    fitted: hash,
    features: [{ name: "x", physical: "f0", kind: "number" }],
    parts: [await putParquet(objects, { path, rows, shard: 0 })],
    nRows: rows,
    nLabelled: rows,
    nAssets: 3,
  };
  const featureSet = await putDocument(objects, manifest);
  const cache = new FeatureTableCache(objects, duckdb);
  const table = await cache.load(featureSet, { kind: "spread", maxRows: 1_000 });
  const registered: string[] = [];
  const features = {
    putFeatureSet: async ({ object }: { readonly object: { readonly sha256: string } }) => {
      registered.push(object.sha256);
    },
  };
  const deps = {
    objects,
    duckdb,
    scratchDir: join(folder, "scratch"),
    db: { features },
  } as unknown as ActivityDeps;
  const beat = { signal: new AbortController().signal, report: () => undefined, stop: () => undefined };
  const weights = Float64Array.of(0.5, 0.5, 0.5, 1.5, 9);
  const given = { featureSet, table, train: Int32Array.of(0, 1, 2), stop: Int32Array.of(3) };
  const weighted = await storeTrainingSet(deps, { ...given, weights }, beat);
  const plain = await storeTrainingSet(deps, { ...given, weights: undefined }, beat);
  expect(registered).toEqual([weighted.sha256, plain.sha256]);

  const found = await cache.load(weighted, { kind: "spread", maxRows: 1_000 });
  expect([...found.seq]).toEqual([0, 1, 2, 3]);
  expect([...(found.weight ?? [])]).toEqual([0.5, 0.5, 0.5, 1.5]);
  expect(found.assets).toEqual(["a", "b"]);
  expect((await cache.load(plain, { kind: "spread", maxRows: 1_000 })).weight).toBeUndefined();
  expect(await readFeatureSet(objects, weighted)).toMatchObject({ nRows: 4, nAssets: 2, hasWeight: true });
});
