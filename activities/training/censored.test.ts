import { describe, expect, it } from "vitest";
import { selectRows } from "../../numerics/matrix.ts";
import { rootMeanSquaredError } from "../../numerics/metrics/regression.ts";
import { predict } from "../../numerics/model.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { censoredText } from "../../schemas/runs/censored.ts";
import { HOLDOUT_FOLD } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { censoredValues, countCensored, takesCensored } from "./censored.ts";
import { finalRows, requireRows, rowsOfFold } from "./fold-rows.ts";
import { outOfFoldRows } from "./out-of-fold-rows.ts";
import { poolRows } from "./pooled-rows.ts";
import { problemOf, targetsOf } from "./problem.ts";
import { summariseCandidates } from "./summarise-candidates.ts";
import { trainFinalModels } from "./train-final.ts";
import { trainOneFold } from "./train-one-fold.ts";

const CAP = 200;
const N_FEATURES = 6;
const N_FOLDS = 3;

const pipeline = (cap: string) =>
  parsePipeline(
    `
name: fleet
sources:
  readings:
    role: readings
    files: [{ path: readings.csv }]
    asset: asset
    time: { column: cycle, kind: cycle }
    columns: [{ name: x, type: float }]
  failures:
    role: events
    files: [{ path: failures.csv }]
    asset: asset
    time: { column: cycle, kind: cycle }
    columns: [{ name: kind, type: text }]
label: { kind: events, source: failures${cap} }
task: { kind: rul }
split: { folds: ${N_FOLDS} }
`,
    "fleet.yaml",
  ).pipeline;

interface Fleet {
  readonly table: FeatureTable;
  /** Remaining life of each row, which nobody knows but the simulation. */
  readonly truth: Float64Array;
  readonly nFailed: number;
}

/**
 * Machines of Weibull lives that wear shows in, watched for too short a time: most have not failed when the watch ends.
 * Time is in cycles from the first one; two features are constant, one is the age, two show wear, one is noise.
 */
function fleetOf(seed: string, nAssets: number, cap: number): Fleet {
  const generator = createGenerator(seed);
  const data: number[] = [];
  const columns = { y: [] as number[], yRaw: [] as number[], yLeast: [] as number[], t: [] as number[] };
  const truth: number[] = [];
  const codes: number[] = [];
  let nFailed = 0;
  for (let asset = 0; asset < nAssets; asset++) {
    const [load, place] = [generator.next(), generator.normal()];
    const scale = 600 * Math.exp(-1.2 * (load - 0.5) - 0.25 * place);
    const life = scale * (-Math.log(1 - generator.next())) ** (1 / 2.5);
    const seen = Math.min(life, 40 + 300 * generator.next());
    const hasFailed = seen === life;
    nFailed += Number(hasFailed);
    for (let t = 12 * generator.next(); t < seen; t += 12) {
      const wear = (t / life) ** 2;
      const noise = () => generator.normal();
      data.push(load, place, t, wear + 0.15 * noise(), 0.5 * wear + 0.2 * noise(), noise());
      const known = hasFailed ? life - t : Number.NaN;
      const least = seen - t;
      columns.y.push(!hasFailed && least >= cap ? cap : Math.min(cap, known));
      columns.yRaw.push(known);
      columns.yLeast.push(hasFailed || least >= cap ? Number.NaN : least);
      columns.t.push(t);
      truth.push(Math.min(cap, life - t));
      codes.push(asset);
    }
  }
  const nRows = codes.length;
  const [y, yRaw, yLeast, t] = [columns.y, columns.yRaw, columns.yLeast, columns.t].map((values) =>
    Float64Array.from(values),
  ) as [Float64Array, Float64Array, Float64Array, Float64Array];
  const table: FeatureTable = {
    matrix: { data: Float64Array.from(data), nRows, nColumns: N_FEATURES },
    features: Array.from({ length: N_FEATURES }, (_, i) => ({
      name: `x${i}`,
      physical: `f${i}`,
      kind: "number",
    })),
    classLabels: null,
    y,
    yRaw,
    yLeast,
    t,
    seq: Float64Array.from(codes, (_, row) => row),
    last: Uint8Array.from(codes, (code, row) => (codes[row + 1] === code ? 0 : 1)),
    assetCodes: Int32Array.from(codes),
    assets: Array.from({ length: nAssets }, (_, asset) => `m${asset}`),
    ofRows: nRows,
    ofAssets: nAssets,
    areAssetsWhole: true,
  };
  return { table, truth: Float64Array.from(truth), nFailed };
}

function boosting(objective: string): Candidate {
  const params = { objective, numIterations: 60, numLeaves: 15, earlyStoppingRounds: 15 };
  return { kind: "gbdt", name: objective === "auto" ? "bounds" : "dropped", params, seeds: 1 };
}

const CANDIDATES = { bounds: boosting("auto"), dropped: boosting("squaredError") };
const N_ASSETS = 240;
const N_HELD = 60;
const split: SplitDocument = {
  kind: "aura.split/1",
  unit: "asset",
  ids: Array.from({ length: N_ASSETS }, (_, asset) => `m${asset}`),
  folds: [Array.from({ length: N_ASSETS }, (_, i) => (i < N_HELD ? HOLDOUT_FOLD : i % N_FOLDS))],
};

/** Cross-validation, choice and final fit, as the activities run them, scored on the true lives of held-out machines. */
function run(fleet: Fleet, cap: string) {
  const spec = pipeline(cap);
  const { table } = fleet;
  const problem = problemOf(spec, null);
  const common = {
    matrix: table.matrix,
    categorical: [],
    featureNames: table.features.map(({ name }) => name),
    ...targetsOf(problem, table, { pipeline: spec, split }),
    seed: 7,
    bounds: problem.bounds,
  };
  const candidates = Object.entries(CANDIDATES).map(([name, candidate]) => {
    const folds = Array.from({ length: N_FOLDS }, (_, fold) => {
      const rows = rowsOfFold(table, { pipeline: spec, split, repeat: 0, fold });
      const output = trainOneFold({ ...common, rows, candidate }, {});
      return { fold, columns: outOfFoldRows(spec, table, { ...output, rows }), rounds: output.bestIteration };
    });
    const iterations = folds.reduce((sum, { rounds }) => sum + (rounds ?? 0), 0) / N_FOLDS;
    return { name, kind: "gbdt", repeats: [poolRows(folds)], iterations };
  });
  const blends = [{ name: "both", members: Object.keys(CANDIDATES), weighting: "equal" as const }];
  const choice = { calibration: "auto", level: 0.9, costs: null } as const;
  const summary = summariseCandidates({ problem, candidates, blends, ...choice }, {});
  const rows = finalRows(table, spec, split);
  const held = Int32Array.from(table.assetCodes.keys()).filter(
    (row) => (table.assetCodes[row] as number) < N_HELD,
  );
  const truth = Float64Array.from(held, (row) => fleet.truth[row] as number);
  const errorOf = (name: keyof typeof CANDIDATES) => {
    const iterations = candidates.find((one) => one.name === name)?.iterations ?? null;
    const parts = [{ candidate: CANDIDATES[name], iterations, weight: 1 }];
    const final = { trainRows: rows.train, censoredRows: rows.censored.train, parts };
    const { model } = trainFinalModels(
      { ...common, ...final, calibrator: { method: "none" }, offsets: null },
      {},
    );
    const answers = predict(model, selectRows(table.matrix, held), problem.bounds ?? undefined);
    return rootMeanSquaredError(truth, answers.values);
  };
  return { summary, scored: { bounds: errorOf("bounds"), dropped: errorOf("dropped") } };
}

describe("a fleet of which most have not failed", () => {
  it.each([
    ["capped", CAP, `, cap: ${CAP}`, 0.85],
    ["open", Number.POSITIVE_INFINITY, "", 0.75],
  ])(
    "is learnt better with its lower bounds than without, by the true lives (%s)",
    (_name, cap, spec, most) => {
      const fleet = fleetOf("censored/a", N_ASSETS, cap);
      expect(fleet.nFailed).toBeLessThan(0.25 * N_ASSETS);
      const { scored, summary } = run(fleet, spec);
      expect(scored.bounds).toBeLessThan(most * scored.dropped);
      // The known lives alone would have it the other way: they are the short ones.
      const [bounds, dropped] = summary.candidates;
      expect(bounds?.cv["rmse"]).toBeGreaterThan(dropped?.cv["rmse"] ?? 0);
      expect(bounds?.cv["lifeLoss"]).toBeLessThan(dropped?.cv["lifeLoss"] ?? 0);
      expect(summary.chosen).not.toBe("dropped");
      for (const { cv } of summary.candidates) expect(cv).toHaveProperty("concordance");
    },
  );

  it("keeps each machine on one side, and lower bounds apart from known lives", () => {
    const { table } = fleetOf("censored/a", N_ASSETS, CAP);
    const spec = pipeline(`, cap: ${CAP}`);
    const { train, earlyStop, validate, censored } = rowsOfFold(table, {
      pipeline: spec,
      split,
      repeat: 0,
      fold: 1,
    });
    const assetsOf = (...lists: readonly Int32Array[]) =>
      new Set(lists.flatMap((rows) => Array.from(rows, (row) => table.assetCodes[row])));
    const sides = [
      assetsOf(train, censored.train),
      assetsOf(earlyStop, censored.earlyStop),
      assetsOf(validate, censored.validate),
    ];
    expect(new Set(sides.flatMap((side) => [...side])).size).toBe(
      sides.reduce((sum, side) => sum + side.size, 0),
    );
    for (const rows of Object.values(censored)) expect(rows.length).toBeGreaterThan(0);
    expect(censored.train.every((row) => Number.isNaN(table.y[row]))).toBe(true);
    expect(train.every((row) => !Number.isNaN(table.y[row]))).toBe(true);
  });

  it("is counted for people, and who left it out", () => {
    const { table } = fleetOf("censored/a", N_ASSETS, CAP);
    const rows = finalRows(table, pipeline(`, cap: ${CAP}`), split);
    const candidates = [
      { name: "gbdt", candidate: boosting("auto") },
      { name: "forest", candidate: { kind: "forest", params: {}, seeds: 1 } as const },
    ];
    const counted = countCensored(table, { rows, censored: rows.censored, candidates });
    expect(counted).toMatchObject({ usedBy: ["gbdt"], leftOutBy: ["forest"] });
    expect(counted?.train.rows).toBe(rows.censored.train.length);
    expect(censoredText(counted as NonNullable<typeof counted>)).toMatch(
      /^\d+ assets had not failed: \d+ training rows used as lower bounds by gbdt, left out by forest, /,
    );
  });

  it("says what to do where no machine of a side failed", () => {
    const { table } = fleetOf("censored/a", N_ASSETS, CAP);
    const none = { ...table, y: new Float64Array(table.y.length).fill(Number.NaN) };
    const rows = rowsOfFold(none, { pipeline: pipeline(""), split, repeat: 0, fold: 0 });
    expect(() => requireRows(rows, "fold 0 of repeat 0")).toThrow(
      /got 0 to train and 0 to validate, and \d+ rows of assets that had not failed; fewer folds/,
    );
  });
});

it.each([
  [boosting("auto"), true],
  [boosting("censoredNormal"), true],
  [boosting("quantile"), false],
  [{ kind: "linear", params: {}, seeds: 1 } as const, false],
  [null, false],
])("%j takes lower bounds: %s", (candidate, takes) => {
  expect(takesCensored(candidate)).toBe(takes);
});

it("learns before a holdout by time only what was known when it began", () => {
  const table = {
    y: Float64Array.of(Number.NaN, 5, Number.NaN, Number.NaN),
    yLeast: Float64Array.of(30, Number.NaN, 30, Number.NaN),
    t: Float64Array.of(10, 10, 25, 10),
  };
  const given = { pipeline: pipeline(""), split: { holdoutFrom: 20 } };
  const found = censoredValues(table, given);
  expect([...(found?.values ?? [])]).toEqual([10, 5, 30, Number.NaN]);
  expect([...(found?.censored ?? [])]).toEqual([1, 0, 1, 0]);
  expect(censoredValues({ ...table, yLeast: table.yLeast.fill(Number.NaN) }, given)).toBeUndefined();
});
