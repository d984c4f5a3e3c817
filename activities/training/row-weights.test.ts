import { describe, expect, it } from "vitest";
import { predict } from "../../numerics/model.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { fitCandidate } from "./fit-candidate.ts";
import { rowWeights, scaleWeights } from "./row-weights.ts";

const pipelineWith = (
  weight: string,
  label = "{ kind: column, column: broken, positive: 1 }",
  task = "class",
) =>
  parsePipeline(
    `
name: weighed
sources:
  readings:
    files: readings.csv
    asset: asset
    time: { column: cycle, kind: cycle }
    columns: [{ name: heat }, { name: broken, type: integer }, { name: worth }, { name: site, type: text }]
label: ${label}
task: { kind: ${task} }
training: { weight: ${weight} }
`,
    "weighed.yaml",
  ).pipeline;

const nan = Number.NaN;
const table = {
  y: Float64Array.of(0, 1, 0, nan, 1),
  yLeast: new Float64Array(5).fill(nan),
  weight: Float64Array.of(1, 2, 0, nan, 5),
  assetCodes: Int32Array.of(0, 0, 0, 0, 1),
  assets: ["a", "b"],
  seq: Float64Array.of(0, 1, 2, 3, 4),
};

describe("rowWeights", () => {
  it("are the column's, and 0 where nothing is learnt", () => {
    expect([...(rowWeights(pipelineWith("{ column: worth }"), table) ?? [])]).toEqual([1, 2, 0, 0, 5]);
  });

  it("make the learnt rows of each asset count alike", () => {
    const weights = rowWeights(pipelineWith("perAsset"), table);
    expect([...(weights ?? [])]).toEqual([1 / 3, 1 / 3, 1 / 3, 0, 1]);
    expect([...scaleWeights(weights ?? new Float64Array(), Int32Array.of(0, 1, 2, 4))]).toEqual([
      expect.closeTo(2 / 3, 12),
      expect.closeTo(2 / 3, 12),
      expect.closeTo(2 / 3, 12),
      0,
      2,
    ]);
  });

  it.each([
    [-1, "got -1"],
    [Number.POSITIVE_INFINITY, "got Infinity"],
    [nan, "got none"],
  ])("refuse %d, naming the reading", (value, found) => {
    const wrong = { ...table, weight: Float64Array.of(1, value, 0, 0, 5) };
    expect(() => rowWeights(pipelineWith("{ column: worth }"), wrong)).toThrow(
      `weigh the rows by worth [reading 1 of a]: expected a number of 0 or more, ${found}`,
    );
  });

  it.each([
    ["{ column: worht }", "worth"],
    ["{ column: site }", "a numeric column"],
    ["perRow", "perAsset"],
  ])("are checked with the file: %s", (weight, message) => {
    expect(() => pipelineWith(weight)).toThrow(message);
  });

  it("have no meaning for detectors", () => {
    expect(() => pipelineWith("perAsset", "{ kind: none }", "anomaly")).toThrow(
      "weights only for the tasks rul, failure_within and class",
    );
  });
});

describe("a candidate", () => {
  const N = 300;
  const generator = createGenerator("row-weights");
  const data = Float64Array.from({ length: 2 * N }, () => generator.next());
  // The second half says the opposite of the first.
  const values = Float64Array.from(
    { length: N },
    (_, row) => (row < N / 2 ? 10 : -10) * (data[2 * row] ?? 0),
  );
  const fit = (candidate: Partial<Candidate> & Pick<Candidate, "kind">, weights?: Float64Array) =>
    fitCandidate(
      {
        matrix: { data, nRows: N, nColumns: 2 },
        categorical: [],
        featureNames: ["heat", "noise_5"],
        target: { taskKind: "regression", values },
        candidate: { params: {}, seeds: 1, ...candidate },
        trainRows: Int32Array.from({ length: N }, (_, row) => row),
        seed: 1,
        ...(weights === undefined ? {} : { weights }),
      },
      {},
    ).model;
  const answerAt = (model: ReturnType<typeof fit>, heat: number, noise = 0.5) =>
    predict(model, { data: Float64Array.of(heat, noise), nRows: 1, nColumns: 2 }).values[0] ?? nan;
  const first = Float64Array.from({ length: N }, (_, row) => (row < N / 2 ? 3 : 0));

  it.each(["gbdt", "forest", "linear"] as const)("%s learns from what counts", (kind) => {
    const mean = (model: ReturnType<typeof fit>) =>
      [0.1, 0.3, 0.5, 0.7, 0.9].reduce((sum, noise) => sum + answerAt(model, 0.9, noise) / 5, 0);
    expect(mean(fit({ kind }, first))).toBeGreaterThan(7);
    expect(Math.abs(mean(fit({ kind })))).toBeLessThan(5);
  });

  it("is held to one way along the features that its patterns match", () => {
    const rising = fit({ kind: "gbdt", monotone: { decreasing: "he*" } }, first);
    expect(answerAt(rising, 0.9)).toBeLessThanOrEqual(answerAt(rising, 0.1));
  });

  it("lets features meet in their groups alone", () => {
    const apart = fit({ kind: "gbdt", interactions: ["heat", "noise_*"] });
    const gain = (noise: number) => answerAt(apart, 0.9, noise) - answerAt(apart, 0.1, noise);
    expect(gain(0.1)).toBeCloseTo(gain(0.9), 9);
  });

  it.each([
    [{ monotone: { increasing: "wear" } }, "monotone.increasing must match a feature, got wear"],
    [
      { monotone: { increasing: "heat", decreasing: "*" } },
      "monotone must be one way alone, got both for heat",
    ],
    [{ interactions: ["heat", "x*"] }, "interactions[1] must match a feature, got x*"],
  ])("refuses constraints that cannot be: %j", (constraint, message) => {
    expect(() => fit({ kind: "gbdt", ...constraint })).toThrow(message);
  });
});
