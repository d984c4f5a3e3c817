import { expect, it } from "vitest";
import { FAR_WINDOW } from "./sql-plan.ts";
import type { SqlEngine } from "./sql-engine.ts";
import { manifestOf, pipelineOf } from "./support/test-dataset.ts";
import { transformShard } from "./transform.ts";
import { compileView } from "./view.ts";

const source = { timeKind: "cycle" as const, columns: [{ name: "x", type: "float" as const }], rows: [] };
const features = [{ rolling: { stats: ["std"], windows: [20] } }];
const view = compileView(pipelineOf({ readings: source }, { features }), manifestOf({ readings: source }));

/** An engine whose statements fail with these, one after the other. */
const failing = (...messages: readonly string[]): SqlEngine => {
  let next = 0;
  const fail = () => Promise.reject(new Error("query failed", { cause: new Error(messages[next++]) }));
  return { parquet: async () => "(SELECT 1)", copyToParquet: fail, columns: fail };
};
const run = (engine: SqlEngine) =>
  transformShard(engine, {
    view,
    fitted: {},
    readings: [],
    sources: {},
    hasLabel: false,
    out: "/nowhere/out.parquet",
  });

it("says what to declare where far windows need more memory than there is", async () => {
  const engine = failing(`Invalid Input Error: ${FAR_WINDOW}`, "Out of Memory Error: failed to allocate");
  await expect(run(engine)).rejects.toMatchObject({
    code: "quality_gate",
    message: expect.stringContaining("`range`"),
  });
});

it("leaves other failures as they are", async () => {
  await expect(run(failing("Out of Memory Error: of plain sums"))).rejects.toThrow("query failed");
  await expect(run(failing(FAR_WINDOW, "IO Error"))).rejects.toThrow("query failed");
});
