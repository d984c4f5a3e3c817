import { afterAll, beforeAll, expect, it } from "vitest";
import { FAR_WINDOW } from "./sql-plan.ts";
import { featureSql } from "./sql.ts";
import { manifestOf, pipelineOf } from "./support/test-dataset.ts";
import { createTestEngine } from "./support/test-engine.ts";
import type { TestEngine } from "./support/test-engine.ts";
import { compileView } from "./view.ts";

let engine: TestEngine;
beforeAll(async () => {
  engine = await createTestEngine();
});
afterAll(() => engine.close());

const source = { timeKind: "cycle" as const, columns: [{ name: "x", type: "float" as const }], rows: [] };
const features = [
  { rolling: { stats: ["mean", "std", "slope"], windows: [20] } },
  { exponential: { halfLives: [5] } },
];
const view = compileView(pipelineOf({ readings: source }, { features }), manifestOf({ readings: source }));

/** Features of a series by the statement that is tried first. */
const run = (x: string, isExact: boolean) =>
  engine.columns(
    featureSql({
      view,
      fitted: {},
      tables: {
        readings: `(SELECT 'a' AS __asset, i AS __t, i AS __seq, '' AS __part, ${x} AS v0 FROM range(500) r(i))`,
      },
      hasLabel: false,
      isExact,
    }),
  );

it.each([
  ["noise", "0.1 + (hash(i) % 1000) / 7e3"],
  ["a set point that changes and stays", "CASE WHEN i < 100 THEN 72.3 WHEN i < 300 THEN 20.1 ELSE 50.7 END"],
  // Their mean is not this value to the bit: windows that reach back to before the first reading once looked far.
  ["a value that never changes", "1e0 / 3"],
  ["a switch", "CASE WHEN i % 90 < 40 THEN 1 ELSE 0 END::DOUBLE"],
  [
    "a level a hundred thousand times its noise away",
    "CASE WHEN i < 30 THEN 0 ELSE 1e5 + hash(i) % 1000 / 3e2 END",
  ],
])("does %s by plain sums", async (_, x) => {
  const plain = await run(x, false);
  expect(plain).toEqual(await run(x, true));
});

it("has to do windows apart that are far from a first value that stands for none", async () => {
  const x = "CASE WHEN i = 0 THEN 2147483647 ELSE (hash(i) % 1000) / 7e3 END";
  await expect(run(x, false)).rejects.toThrow(FAR_WINDOW);
  expect((await run(x, true)).nRows).toBe(500);
});

it("gives equal values that very mean and no spread, wherever the series began", async () => {
  const { columns } = await run("CASE WHEN i < 3 THEN 2147483647 ELSE 0.1 END", true);
  const last = (name: string) => {
    const physical = view.features.find((feature) => feature.name === name)?.physical ?? "";
    return Number(columns[physical]?.at(-1));
  };
  expect([last("x_mean_20"), last("x_std_20"), last("x_slope_20")]).toEqual([0.1, 0, 0]);
});
