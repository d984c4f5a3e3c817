import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canonicalJson } from "../schemas/canonical-json.ts";
import { fitView } from "./fit.ts";
import { createAssetState } from "./online.ts";
import { manifestOf, pipelineOf, writeSources } from "./support/test-dataset.ts";
import type { TestSource } from "./support/test-dataset.ts";
import { createTestEngine } from "./support/test-engine.ts";
import type { TestEngine } from "./support/test-engine.ts";
import { transformShard } from "./transform.ts";
import { compileView } from "./view.ts";

let engines: TestEngine[];
beforeAll(async () => {
  engines = await Promise.all([1, 4].map((threads) => createTestEngine(threads)));
});
afterAll(() => Promise.all(engines.map((engine) => engine.close())));

/** Two regimes (load 10 and 90) that move the sensor by 100; asset c has a third mode never trained on. */
const rows = Array.from({ length: 300 }, (_, i) => {
  const asset = ["a", "b", "c"][i % 3] ?? "a";
  const isHigh = Math.floor(i / 3) % 2 === 1;
  const load = (isHigh ? 90 : 10) + (i % 7) / 10;
  const mode = asset === "c" ? "test" : isHigh ? "Ω" : "idle";
  return {
    asset,
    t: Math.floor(i / 3),
    values: [i === 10 ? null : load, (isHigh ? 200 : 100) + (i % 5), mode],
  };
});
const readings: TestSource = {
  columns: [
    { name: "load", type: "float" },
    { name: "vibration", type: "float" },
    { name: "mode", type: "text" },
  ],
  rows,
};
const plates: TestSource = {
  role: "attributes",
  timeKind: "none",
  columns: [{ name: "model", type: "text" }],
  rows: [
    { asset: "a", values: ["M2"] },
    { asset: "b", values: ["M1"] },
    { asset: "c", values: ["M3"] },
  ],
};
const sources = { readings, plates };
const view = compileView(
  pipelineOf(sources, {
    regimes: { columns: ["load"], count: 2 },
    features: [
      { current: { columns: ["vibration"] } },
      { category: { columns: ["mode"] } },
      { attribute: { source: "plates", columns: ["model"] } },
    ],
  }),
  manifestOf(sources),
);

describe("fitting", () => {
  it("learns regimes and codes from the training assets alone, the same bits at any number of threads", async () => {
    const [first, second] = await Promise.all(
      engines.map(async (engine) =>
        fitView(engine, {
          view,
          sources: await writeSources(engine, sources, "fit"),
          rows: { assets: ["a", "b"] },
        }),
      ),
    );
    expect(first?.categories).toEqual({ mode: ["idle", "Ω"], model: ["M1", "M2"] });
    expect(first?.regimes?.normalized).toEqual(["vibration"]);
    const means = first?.regimes?.means.map(([mean]) => Math.round(mean ?? 0));
    expect(means).toEqual([102, 202]);
    expect(canonicalJson(second)).toBe(canonicalJson(first));
  });

  it("takes training rows by number, and refuses to learn from nothing", async () => {
    const [engine] = engines;
    if (engine === undefined) throw new Error("no engine");
    const paths = await writeSources(engine, sources, "rows");
    const seqPath = `${engine.folder}/seq.parquet`;
    await engine.copyToParquet("SELECT i AS __seq FROM range(0, 60, 3) t(i)", seqPath);
    const fitted = await fitView(engine, { view, sources: paths, rows: { seqPath } });
    expect(fitted.categories?.["model"]).toEqual(["M2"]);
    await expect(fitView(engine, { view, sources: paths, rows: { assets: [] } })).rejects.toMatchObject({
      code: "not_enough_data",
    });
  });

  it("is applied alike offline and online: unseen categories and rows without a setting are missing", async () => {
    const [engine] = engines;
    if (engine === undefined) throw new Error("no engine");
    const paths = await writeSources(engine, sources, "apply");
    const fitted = await fitView(engine, { view, sources: paths, rows: { assets: ["a", "b"] } });
    const out = `${engine.folder}/apply-out.parquet`;
    await transformShard(engine, {
      view,
      fitted,
      readings: paths["readings"] ?? [],
      sources: { plates: paths["plates"] ?? [] },
      out,
    });
    const table = await engine.columns(
      `SELECT f0, f1, f2, __asset FROM read_parquet('${out}') ORDER BY __seq`,
    );
    const states = new Map(["a", "b", "c"].map((asset) => [asset, createAssetState(view, fitted)]));
    rows.forEach(({ asset, t, values: [load, vibration, mode] }, i) => {
      const model = { a: "M2", b: "M1", c: "M3" }[asset] ?? null;
      const context = { attributes: { plates: { model } } };
      const live = states
        .get(asset)
        ?.push(
          { t, values: { load: load ?? null, vibration: vibration ?? null, mode: mode ?? null } },
          context,
        );
      expect([...(live ?? [])]).toEqual(["f0", "f1", "f2"].map((name) => table.columns[name]?.[i]));
    });
    expect(table.columns["f0"]?.[10]).toBeNaN();
    expect(table.columns["f1"]?.[2]).toBeNaN();
    expect(Math.abs(Number(table.columns["f0"]?.[3]))).toBeLessThan(3);
  });
});
