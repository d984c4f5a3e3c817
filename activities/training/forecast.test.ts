import { describe, expect, it } from "vitest";
import { NO_CALIBRATION } from "../../numerics/calibration/calibrator.ts";
import { predict } from "../../numerics/model.ts";
import { selectRows } from "../../numerics/matrix.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { DROPPED_FOLD, HOLDOUT_FOLD } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import { evaluateHoldout } from "../evaluation/evaluate-holdout.ts";
import { explainModel } from "../evaluation/explain-model.ts";
import { fansOf } from "../evaluation/fan-charts.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { labelReach, labelSpan } from "../split/label-span.ts";
import { rowFolds } from "../split/row-folds.ts";
import { answersOfPairs, forecastPairs } from "./forecast-pairs.ts";
import { finalRows, rowsOfFold } from "./fold-rows.ts";
import { inspectLeakage } from "./inspect-leakage.ts";
import { outOfFoldRows } from "./out-of-fold-rows.ts";
import { poolRows } from "./pooled-rows.ts";
import { problemOf, targetsOf } from "./problem.ts";
import { summariseCandidates } from "./summarise-candidates.ts";
import type { CandidateRows } from "./summarise-candidates.ts";
import { trainFinalModels } from "./train-final.ts";
import { trainOneFold } from "./train-one-fold.ts";

const N_ASSETS = 3;
const N_TIMES = 400;
const HORIZONS = [2, 10];
/** Farthest horizon and its tolerance of a tenth. */
const REACH = 11;
const hooks = { signal: new AbortController().signal, onProgress: () => undefined };

const PIPELINE = parsePipeline(
  `
name: waves
sources:
  readings:
    files: a.csv
    asset: unit
    time: { column: t, kind: cycle }
    columns: [{ name: x }, { name: phase }]
task: { kind: forecast, column: x, horizons: [10, 2], quantiles: [0.9, 0.1, 0.5] }
split: { folds: 2 }
candidates: [{ kind: gbdt }]
`,
  "p.yaml",
).pipeline;

/** A wave about a level that drifts upwards, so that the holdout lies higher than all that was learnt. */
function tableOf(planted?: (row: number, later: Float64Array) => number): FeatureTable {
  const random = createGenerator(11);
  const nRows = N_ASSETS * N_TIMES;
  const timeOf = (row: number) => row % N_TIMES;
  const x = Float64Array.from(
    { length: nRows },
    (_, row) => 0.5 * timeOf(row) + 10 * Math.sin(timeOf(row) / 4) + 0.5 * random.normal(),
  );
  const values = new Float64Array(nRows * HORIZONS.length).fill(Number.NaN);
  const naive = new Float64Array(nRows * HORIZONS.length);
  for (let row = 0; row < nRows; row++) {
    HORIZONS.forEach((horizon, h) => {
      if (timeOf(row) + horizon < N_TIMES) values[row * 2 + h] = x[row + horizon] as number;
      naive[row * 2 + h] = x[row] as number;
    });
  }
  const columns = [
    (row: number) => x[row] as number,
    (row: number) => Math.sin(timeOf(row) / 4),
    (row: number) => Math.cos(timeOf(row) / 4),
    ...(planted === undefined ? [] : [(row: number) => planted(row, values)]),
  ];
  const data = Float64Array.from({ length: nRows * columns.length }, (_, at) =>
    (columns[at % columns.length] as (row: number) => number)(Math.floor(at / columns.length)),
  );
  const names = ["x", "sine", "cosine", "planted"].slice(0, columns.length);
  const y = Float64Array.from({ length: nRows }, (_, row) => values[row * 2] as number);
  return {
    matrix: { data, nRows, nColumns: columns.length },
    features: names.map((name, i) => ({ name, physical: `f${i}`, kind: "number" })),
    classLabels: null,
    y,
    yRaw: y,
    yLeast: new Float64Array(nRows).fill(Number.NaN),
    targets: { nHorizons: 2, values, naive },
    t: Float64Array.from({ length: nRows }, (_, row) => timeOf(row)),
    seq: Float64Array.from({ length: nRows }, (_, row) => row),
    last: Uint8Array.from({ length: nRows }, (_, row) => (timeOf(row) === N_TIMES - 1 ? 1 : 0)),
    assetCodes: Int32Array.from({ length: nRows }, (_, row) => Math.floor(row / N_TIMES)),
    assets: ["a", "b", "c"],
    ofRows: nRows,
    ofAssets: N_ASSETS,
    areAssetsWhole: true,
  };
}

const SPLIT: SplitDocument = {
  kind: "aura.split/1",
  unit: "asset",
  ids: ["a", "b", "c"],
  folds: [[0, 0, 0]],
  holdoutFrom: 320,
  gapFrom: 320 - REACH,
  timeFolds: { from: [100, 200], gap: REACH },
};
const TABLE = tableOf();
const problem = problemOf(PIPELINE, null);
const timesOf = (rows: Int32Array) => Array.from(rows, (row) => TABLE.t[row] as number);

describe("folds in time", () => {
  it("look ahead as far as the farthest horizon with its tolerance", () => {
    expect(labelSpan(PIPELINE, "cycle")).toBe(REACH);
  });
  it("learn only from rows whose truths are known before the fold begins", () => {
    for (const [fold, from] of [100, 200].entries()) {
      const rows = rowsOfFold(TABLE, { pipeline: PIPELINE, split: SPLIT, repeat: 0, fold });
      expect(Math.max(...timesOf(rows.earlyStop)) + REACH).toBeLessThan(from);
      expect(Math.max(...timesOf(rows.train)) + REACH).toBeLessThan(Math.min(...timesOf(rows.earlyStop)));
      expect(Math.min(...timesOf(rows.validate))).toBe(from);
    }
    const folds = rowFolds(SPLIT, 0, TABLE);
    const foldAt = (time: number) => folds[time];
    expect([50, 100, 199, 200, 308, 309, 319, 320].map(foldAt)).toEqual([
      2,
      0,
      0,
      1,
      1,
      DROPPED_FOLD,
      DROPPED_FOLD,
      HOLDOUT_FOLD,
    ]);
  });
  it("have no row on the training side whose truths lie in the holdout", () => {
    const { train, test } = finalRows(TABLE, PIPELINE, SPLIT);
    expect(Math.max(...timesOf(train)) + REACH).toBeLessThan(Math.min(...timesOf(test)));
  });
  it("stop nothing early where the past is too short to keep some of it apart", () => {
    const split = { ...SPLIT, timeFolds: { from: [20, 40], gap: REACH } };
    const rows = rowsOfFold(TABLE, { pipeline: PIPELINE, split, repeat: 0, fold: 0 });
    expect(rows.earlyStop).toHaveLength(0);
    expect(rows.train.length).toBeGreaterThan(0);
  });
});

const CANDIDATES: Record<string, Candidate | null> = {
  baseline: null,
  gbdt: {
    kind: "gbdt",
    params: { numIterations: 60, learningRate: 0.2, numLeaves: 8 },
    seeds: 1,
  },
  linear: { kind: "linear", params: {}, seeds: 1 },
  forest: { kind: "forest", params: { numTrees: 10 }, seeds: 1 },
};

function targetOf(table: FeatureTable) {
  return targetsOf(problem, table, { pipeline: PIPELINE, split: SPLIT }).target;
}

function job(table: FeatureTable) {
  return {
    matrix: table.matrix,
    categorical: [],
    featureNames: table.features.map(({ name }) => name),
    target: targetOf(table),
    censoredRows: new Int32Array(),
  };
}

function crossValidated(name: string): CandidateRows {
  const candidate = CANDIDATES[name] ?? null;
  const folds = [0, 1].map((fold) => {
    const rows = rowsOfFold(TABLE, { pipeline: PIPELINE, split: SPLIT, repeat: 0, fold });
    const output = trainOneFold({ ...job(TABLE), rows, candidate, seed: 1, bounds: null }, hooks);
    return { fold, columns: outOfFoldRows(PIPELINE, TABLE, { ...output, rows }) };
  });
  return { name, kind: candidate?.kind ?? "constant", repeats: [poolRows(folds)], iterations: null };
}

describe("candidates of a forecast", () => {
  const candidates = Object.keys(CANDIDATES).map(crossValidated);
  const summary = summariseCandidates(
    { problem, candidates, blends: [], costs: null, calibration: "auto", level: 0.9 },
    hooks,
  );
  const of = (name: string) => summary.candidates.find((one) => one.name === name);
  const { train, test } = finalRows(TABLE, PIPELINE, SPLIT);

  it("are better than the value now, on a level that nothing was learnt at", () => {
    expect(summary.chosen).not.toBe("baseline");
    for (const name of ["gbdt", "linear", "forest"]) {
      expect(of(name)?.cv["mase"]).toBeLessThan(0.5);
      expect(of(name)?.cv["skill"]).toBeGreaterThan(0.5);
    }
    expect(of("baseline")?.offsets).toBeNull();
    expect(of("baseline")?.cv["skill"]).toBe(0);
  });

  it("of a trainer elsewhere are judged as they are served: not moved", () => {
    const [rows] = candidates.filter(({ name }) => name === "linear");
    const [baseline] = candidates.filter(({ name }) => name === "baseline");
    if (rows === undefined || baseline === undefined) throw new Error("no such candidate");
    const given = { problem, blends: [], costs: null, calibration: "auto", level: 0.9 } as const;
    const elsewhere = [{ ...rows, kind: "external" }, baseline];
    const [judged] = summariseCandidates({ ...given, candidates: elsewhere }, hooks).candidates;
    expect(judged?.offsets).toBeNull();
    // The three quantiles of a linear model are one middle until they are moved.
    expect(judged?.cv["intervalWidth"]).toBe(0);
  });

  it.each(["gbdt", "linear", "forest"])("of %s answer ordered quantiles that cover", (name) => {
    const part = { candidate: CANDIDATES[name] ?? null, iterations: 40, weight: 1 };
    const given = {
      ...job(TABLE),
      trainRows: train,
      parts: [part],
      bounds: null,
      calibrator: NO_CALIBRATION,
      offsets: of(name)?.offsets ?? null,
      seed: 1,
    };
    const { model, baseline } = trainFinalModels(given, hooks);
    expect(trainFinalModels(given, hooks).model).toEqual(model);
    expect(model).toMatchObject({ taskKind: "forecast", nOutputs: 6 });
    const answers = predict(model, selectRows(TABLE.matrix, test)).values;
    answers.forEach((value, at) => {
      if (at % 3 > 0) expect(value).toBeGreaterThanOrEqual(answers[at - 1] as number);
    });
    const pairs = forecastPairs(TABLE, test);
    const forecast = problem.forecast ?? { column: "", horizons: [], spans: [], quantiles: [] };
    const held = evaluateHoldout(
      {
        problem,
        truth: pairs.truth,
        truthRaw: pairs.naive,
        prediction: answersOfPairs(pairs, answers, forecast),
        baseline: answersOfPairs(pairs, predict(baseline, selectRows(TABLE.matrix, test)).values, forecast),
        hasBaseline: true,
        groups: pairs.place,
        threshold: null,
        interval: null,
        costs: null,
        slices: [],
        seed: 1,
        horizon: pairs.horizon,
      },
      hooks,
    );
    expect(held.test["mase"]).toBeLessThan(0.5);
    expect(held.test["coverageError"]).toBeLessThan(0.2);
    expect(held.quantiles?.map(({ horizon, level }) => `${horizon} ${level}`)).toEqual([
      "2 0.1",
      "2 0.5",
      "2 0.9",
      "10 0.1",
      "10 0.5",
      "10 0.9",
    ]);
    // The last ten readings of each asset have no truth ten ahead, the last two none at all.
    expect(pairs.truth).toHaveLength(N_ASSETS * (78 + 70));
    expect(fansOf({ table: TABLE, rows: test, answers, problem: forecast })[0]).toMatchObject({
      asset: "a",
      ahead: [{ time: 0 }, { time: 0.2 }, { time: 1 }],
    });
  });

  it("keep the rounds of each horizon and quantile", () => {
    const rows = rowsOfFold(TABLE, { pipeline: PIPELINE, split: SPLIT, repeat: 0, fold: 1 });
    const candidate = CANDIDATES["gbdt"] ?? null;
    const { rounds } = trainOneFold({ ...job(TABLE), rows, candidate, seed: 1, bounds: null }, hooks);
    expect(rounds).toHaveLength(6);
    const part = { candidate, iterations: 9, rounds: [1, 2, 3, 4, 5, 6], weight: 1 };
    const { model } = trainFinalModels(
      {
        ...job(TABLE),
        trainRows: train,
        parts: [part],
        bounds: null,
        calibrator: NO_CALIBRATION,
        offsets: null,
        seed: 1,
      },
      hooks,
    );
    const trees = model.kind === "tree_ensemble" ? model.trees : [];
    expect([0, 1, 2, 3, 4, 5].map((k) => trees.filter(({ output }) => output === k).length)).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
  });

  it("are explained by what the median at the nearest horizon leans on", () => {
    const { model } = trainFinalModels(
      {
        ...job(TABLE),
        trainRows: train,
        parts: [{ candidate: CANDIDATES["linear"] ?? null, iterations: null, weight: 1 }],
        bounds: null,
        calibrator: NO_CALIBRATION,
        offsets: null,
        seed: 1,
      },
      hooks,
    );
    const found = explainModel(
      {
        model,
        problem,
        bounds: null,
        matrix: TABLE.matrix,
        featureNames: ["x", "sine", "cosine"],
        sources: ["x", null, null],
        y: TABLE.y,
        assetCodes: TABLE.seq as unknown as Int32Array,
        byGain: ["x", "sine", "cosine"],
        rows: { train, test },
        seed: 1,
      },
      hooks,
    );
    expect(found.loss).toBe("mae");
    expect(found.features[0]?.name).toBe("x");
    expect(found.dependence[0]?.answers).toHaveLength(found.dependence[0]?.values.length ?? -1);
  });
});

describe("leaks of a forecast", () => {
  function inspect(table: FeatureTable, pipeline: Pipeline = PIPELINE, split = SPLIT) {
    const target = targetOf(table);
    return inspectLeakage(
      {
        matrix: table.matrix,
        featureNames: table.features.map(({ name }) => name),
        sample: { sensors: [], rows: new Int32Array(), nAssets: 0, ofAssets: N_ASSETS, isSeries: false },
        y: table.y,
        kind: "forecast",
        ...(target.taskKind === "forecast" ? { forecast: target } : {}),
        assetCodes: table.assetCodes,
        assets: table.assets,
        ofAssets: N_ASSETS,
        t: table.t,
        folds: rowFolds(split, 0, table),
        unit: "asset",
        isTimeSplit: true,
        labelReach: labelReach(pipeline, "cycle", table),
      },
      hooks,
    );
  }
  const failed = (checks: ReturnType<typeof inspect>) =>
    checks.filter(({ passed }) => !passed).map(({ detail }) => detail);

  it("are none in features that are close to the value now", () => {
    expect(failed(inspect(TABLE))).toEqual([]);
  });
  it.each([
    ["a later value", (row: number, later: Float64Array) => later[row * 2 + 1] as number, /value 2\. ahead/],
    [
      "its Fahrenheit",
      (row: number, later: Float64Array) => 1.8 * (later[row * 2] as number) + 32,
      /value 1\. ahead/,
    ],
    [
      "the change until then",
      (row: number, later: Float64Array) =>
        (later[row * 2] as number) - (TABLE.matrix.data[row * 3] as number),
      /value 1\. ahead/,
    ],
  ] as const)("%s among the features is one", (_name, planted, expected) => {
    const found = failed(inspect(tableOf(planted)));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(expected);
  });
  it("a split without a gap is one", () => {
    const { gapFrom: _, ...split } = SPLIT;
    expect(failed(inspect(TABLE, PIPELINE, split))[0]).toMatch(/held-out time/);
  });
});

describe("targets that cannot be learnt", () => {
  it("of a column that never changes give its value, without spread", () => {
    const values = new Float64Array(2 * TABLE.matrix.nRows).fill(7);
    const data = TABLE.matrix.data.map((value, at) => (at % 3 === 0 ? 7 : value));
    const table = { ...TABLE, matrix: { ...TABLE.matrix, data } };
    const target = { ...targetOf(table), values } as never;
    for (const candidate of Object.values(CANDIDATES)) {
      const { model } = trainFinalModels(
        {
          ...job(table),
          target,
          trainRows: Int32Array.from({ length: 300 }, (_, row) => row),
          parts: [{ candidate, iterations: 5, weight: 1 }],
          bounds: null,
          calibrator: NO_CALIBRATION,
          offsets: null,
          seed: 1,
        },
        hooks,
      );
      const answers = predict(model, selectRows(table.matrix, Int32Array.of(350))).values;
      for (const value of answers) expect(value).toBeCloseTo(7, 9);
    }
  });
  it("are refused by name where no row knows a horizon", () => {
    const values = Float64Array.from({ length: 2 * TABLE.matrix.nRows }, (_, at) =>
      at % 2 === 1 ? Number.NaN : 1,
    );
    const target = { ...targetOf(TABLE), values } as never;
    const rows = rowsOfFold(TABLE, { pipeline: PIPELINE, split: SPLIT, repeat: 0, fold: 0 });
    const train = () =>
      trainOneFold({ ...job(TABLE), target, rows, candidate: null, seed: 1, bounds: null }, hooks);
    expect(train).toThrow(/horizon 2 must be known/);
  });
});
