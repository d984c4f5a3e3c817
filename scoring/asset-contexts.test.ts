import { afterAll, beforeAll, expect, it } from "vitest";
import { manifestOf, pipelineOf, writeSources } from "../features/support/test-dataset.ts";
import { createTestEngine } from "../features/support/test-engine.ts";
import type { TestEngine } from "../features/support/test-engine.ts";
import { compileView } from "../features/view.ts";
import type { ObjectRef } from "../schemas/object-ref.ts";
import { AssetContexts } from "./asset-contexts.ts";

const columns = [
  { name: "rating", type: "float" },
  { name: "maker", type: "text" },
] as const;
const sources = {
  readings: { timeKind: "timestamp" as const, columns: [{ name: "x", type: "float" as const }], rows: [] },
  plates: {
    role: "attributes" as const,
    timeKind: "none" as const,
    columns,
    rows: [{ asset: "old", values: [12.5, null] }],
  },
};
const manifest = manifestOf(sources);
const features = [{ attribute: { source: "plates", columns: ["rating", "maker"] } }];
const view = compileView(pipelineOf(sources, { features }), manifest);

let nLoads = 0;
let duckdb: TestEngine;
beforeAll(async () => {
  duckdb = await createTestEngine(1);
});
afterAll(() => duckdb.close());

async function contextsOver(dataset: string | undefined, entered: Record<string, Record<string, unknown>>) {
  const { plates: [path = ""] = [] } = await writeSources(duckdb, sources, "contexts");
  const part = { object: { key: path, sha256: "", bytes: 0 } satisfies ObjectRef, rows: 1, shard: 0 };
  const { plates } = manifest.sources;
  if (plates === undefined) throw new Error("the manifest has no plates");
  const stored = { ...manifest, sources: { ...manifest.sources, plates: { ...plates, parts: [part] } } };
  const contexts = new AssetContexts({
    online: {
      latestDataset: async () => dataset,
      registered: async () => ({ fingerprint: "1", byAsset: new Map(Object.entries(entered)) }),
    },
    datasets: {
      get: async () => {
        nLoads++;
        return { manifest: stored, owner: "test", retention: "5y", createdAt: "" };
      },
    },
    objects: { fetch: async ({ key }) => key },
    openDuckDb: async () => duckdb,
  });
  return contexts;
}

const ENTERED = {
  old: { rating: 99, maker: "A" },
  new: { rating: 7, maker: "B", other: 1 },
  odd: { rating: "seven", maker: 3, __proto__: { rating: 1 } },
};

it("gives the attributes of the dataset, and of assets that it does not have those of the register", async () => {
  const set = await (await contextsOver("d", ENTERED)).open(view, "wear");
  const plates = (asset: string) => set.of(asset).attributes?.["plates"];
  expect(plates("old")).toEqual({ rating: 12.5, maker: null });
  expect(plates("new")).toEqual({ rating: 7, maker: "B" });
  expect(plates("odd")).toEqual({ rating: null, maker: null });
  expect(plates("nobody")).toBeUndefined();
});

it("has the register alone where there is no dataset yet", async () => {
  const set = await (await contextsOver(undefined, ENTERED)).open(view, "wear");
  expect(set.dataset).toBeUndefined();
  expect(set.of("old").attributes).toEqual({ plates: { rating: 99, maker: "A" } });
});

it("reads the dataset of each of several models once", async () => {
  const contexts = await contextsOver("d", ENTERED);
  nLoads = 0;
  const first = await contexts.open(view, "wear");
  for (const pipeline of ["heat", "wear", "heat", "wear"]) await contexts.open(view, pipeline);
  expect(nLoads).toBe(2);
  expect(await contexts.open(view, "wear")).toBe(first);
});
