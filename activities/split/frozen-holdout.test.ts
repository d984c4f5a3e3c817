import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { hashOf } from "../../schemas/canonical-json.ts";
import type { DatasetManifest, StoredColumn } from "../../schemas/data/dataset.ts";
import { HOLDOUT_FOLD } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import { putDocument } from "../../stores/objects/documents.ts";
import { createObjectStore } from "../../stores/objects/object-store.ts";
import { frozenHoldout } from "./frozen-holdout.ts";
import type { FrozenGiven } from "./frozen-holdout.ts";

const folder = mkdtempSync(join(tmpdir(), "frozen-"));
const duckdb = await createDuckDb({ directories: [folder], memoryLimit: "256MB", threads: 1 });
const objects = createObjectStore({
  objects: `file://${join(folder, "objects")}`,
  cacheDir: join(folder, "cache"),
});
afterAll(() => {
  duckdb.close();
  rmSync(folder, { recursive: true, force: true });
});

const COLUMNS: StoredColumn[] = ["x", "y"].map((name, i) => ({
  name,
  physical: `v${i}`,
  type: "float",
  use: "feature",
}));

/** A plain table of [x, y] rows. */
async function datasetOf(
  rows: readonly (readonly [number, number])[],
  columns = COLUMNS,
): Promise<DatasetManifest> {
  const path = join(folder, `${hashOf([rows, columns])}.parquet`);
  const values = rows.map(([x, y], seq) => `(${seq}::BIGINT, ${x}::DOUBLE, ${y}::DOUBLE)`).join(", ");
  await duckdb.copyToParquet(`SELECT * FROM (VALUES ${values}) AS t(__seq, v0, v1)`, path);
  const object = await objects.putFile(`datasets/${hashOf([rows, columns])}.parquet`, path);
  const counts = { read: rows.length, accepted: rows.length, quarantined: 0, byReason: {} };
  return {
    kind: "aura.dataset/1",
    pipeline: "parts",
    owner: "o",
    retention: "5y",
    raw: [{ name: "a.csv", source: "readings", part: "", object }],
    sources: {
      readings: {
        role: "readings",
        hasAsset: false,
        timeKind: "none",
        columns,
        schemaHash: hashOf(columns),
        parts: [{ object, rows: rows.length, shard: 0 }],
        counts,
        nAssets: rows.length,
      },
    },
  };
}

const EARLIER = await datasetOf([
  [1, 1],
  [2, 2],
  [3, 3],
  [4, 4],
]);
/** Rows 1 and 3 are held out. */
const BY_ROW: SplitDocument = {
  kind: "aura.split/1",
  unit: "row",
  ids: [],
  folds: [[0, HOLDOUT_FOLD, 1, HOLDOUT_FOLD]],
};

async function ask(before: SplitDocument, given: Partial<FrozenGiven>) {
  const object = await putDocument(objects, before);
  const registry = { holdout: async () => ({ hash: "h", object, dataset: "d", revision: 1 }) };
  const datasets = { get: async () => ({ manifest: EARLIER }) };
  const db = { registry, datasets } as unknown as Parameters<typeof frozenHoldout>[0]["db"];
  return frozenHoldout(
    { db, objects, duckdb },
    { model: "m", unit: "row", isByTime: false, dataset: EARLIER, ...given },
  );
}

describe("frozenHoldout", () => {
  it("knows rows by number while the earlier files begin the present ones", async () => {
    expect([...(await ask(BY_ROW, {})).frozen]).toEqual(["1", "3"]);
  });
  it("knows rows of other files by their values", async () => {
    const dataset = await datasetOf([
      [9, 9],
      [4, 4],
      [3, 3],
      [2, 2],
    ]);
    const { frozen, trainedBefore } = await ask(BY_ROW, { dataset });
    expect([...frozen].toSorted()).toEqual(["1", "3"]);
    expect([...trainedBefore]).toEqual(["2"]);
  });
  it("keeps the beginning of a holdout by time", async () => {
    const before = { ...BY_ROW, folds: [[0, 1, 0, 1]], holdoutFrom: 3, gapFrom: 2 };
    expect(await ask(before, { isByTime: true })).toMatchObject({ holdoutFrom: 3 });
  });
  it.each<[string, SplitDocument, Partial<FrozenGiven>]>([
    ["cut by time before", { ...BY_ROW, holdoutFrom: 3 }, {}],
    ["cut by time now", BY_ROW, { isByTime: true }],
    ["of other units", BY_ROW, { unit: "asset" }],
  ])("refuses a holdout %s", async (_name, before, given) => {
    await expect(ask(before, given)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("another model name") as string,
    });
  });
  it("refuses readings with other columns, whose rows it cannot know", async () => {
    const columns = COLUMNS.map((column) => ({ ...column, name: `${column.name}2` }));
    await expect(ask(BY_ROW, { dataset: await datasetOf([[1, 1]], columns) })).rejects.toMatchObject({
      code: "conflict",
    });
  });
});
