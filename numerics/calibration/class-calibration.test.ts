import { describe, expect, it } from "vitest";
import { confidenceTable } from "../evaluation/calibration.ts";
import { predictedClasses } from "../metrics/multiclass.ts";
import { createGenerator } from "../random/generator.ts";
import { chooseClassCalibrator, crossCalibrateClasses } from "./choose-calibrator.ts";
import { calibrateClasses, calibrateClassModel, fitClassCalibrator } from "./class-calibrator.ts";
import type { ConstantModel } from "../model.ts";

const N_CLASSES = 3;

/** Rows whose true chances are `chancesOf` the probabilities that the model says. */
function draw(seed: string, nRows: number, chancesOf: (shares: number[]) => number[]) {
  const generator = createGenerator(seed);
  const prediction = new Float64Array(nRows * N_CLASSES);
  const truth = new Float64Array(nRows);
  for (let row = 0; row < nRows; row++) {
    const said = normalised(Array.from({ length: N_CLASSES }, () => Math.exp(2 * generator.normal())));
    prediction.set(said, row * N_CLASSES);
    const chances = normalised(chancesOf(said));
    let left = generator.next();
    truth[row] = chances.findIndex((chance) => (left -= chance) < 0);
    if (truth[row] < 0) truth[row] = N_CLASSES - 1;
  }
  const fold = Int32Array.from({ length: nRows }, (_, row) => Math.floor(row / 20) % 5);
  return { truth, prediction, fold };
}

function normalised(values: number[]): number[] {
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}

describe("chooseClassCalibrator", () => {
  it.each([
    ["leaves good probabilities alone", "none", (shares: number[]) => shares],
    ["cools down one that is too sure", "temperature", (shares: number[]) => shares.map((p) => p ** 0.4)],
    [
      "draws lines where classes are off by themselves",
      "platt",
      (shares: number[]) => shares.map((p, k) => p ** [0.3, 1, 1][k] * [1, 0.2, 3][k]),
    ],
    [
      "bends curves where no lines fit",
      "isotonic",
      (shares: number[]) => shares.map((p) => (p > 0.6 ? 1 : 0.3)),
    ],
  ])("%s", (_name, method, chancesOf) => {
    const rows = draw(method, 4_000, chancesOf);
    const choose = () => chooseClassCalibrator([rows], { wanted: "auto", nClasses: N_CLASSES });
    const { calibrator, trials } = choose();
    expect(calibrator.method).toBe(method);
    expect(trials.map((trial) => trial.method).sort()).toEqual(["isotonic", "none", "platt", "temperature"]);
    expect(JSON.stringify(choose())).toBe(JSON.stringify({ calibrator, trials }));
    // Judged on rows that neither fit nor choice have seen.
    const fresh = draw("fresh", 4_000, chancesOf);
    const calibrated = calibrateClasses(calibrator, fresh.prediction);
    // A jump of the chances is a line between the centres of two blocks.
    const most = method === "isotonic" ? 0.06 : 0.03;
    expect(confidenceTable(fresh.truth, calibrated, N_CLASSES).expectedError).toBeLessThan(most);
  });

  it("takes a wanted method, and answers rows of each fold by the others", () => {
    const rows = draw("wanted", 500, (shares) => shares.map((p) => p ** 0.5));
    const { calibrator } = chooseClassCalibrator([rows, rows], { wanted: "isotonic", nClasses: N_CLASSES });
    expect(calibrator.method).toBe("isotonic");
    const answers = crossCalibrateClasses(rows, { method: "platt", nClasses: N_CLASSES });
    for (let at = 0; at < answers.length; at += N_CLASSES)
      expect(answers[at] + answers[at + 1] + answers[at + 2]).toBeCloseTo(1, 12);
  });

  it("keeps the order of the classes of a row with one temperature", () => {
    const rows = draw("order", 500, (shares) => shares.map((p) => p ** 0.5));
    const { truth, prediction } = rows;
    const one = fitClassCalibrator("temperature", { truth, probability: prediction, nClasses: N_CLASSES });
    expect(predictedClasses(calibrateClasses(one, prediction), N_CLASSES)).toEqual(
      predictedClasses(prediction, N_CLASSES),
    );
  });
});

describe("fitClassCalibrator", () => {
  it.each([
    ["no rows", [], []],
    ["one class", [1, 1], [0, 1, 0, 0.2, 0.6, 0.2]],
    ["zeros and ones", [0, 1, 2], [1, 0, 0, 0, 1, 0, 0, 0, 1]],
    ["always wrong", [0, 0, 1, 1], [0, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0]],
  ])("stays a distribution with %s", (_name, truth, probability) => {
    const rows = { truth: Float64Array.from(truth), probability: Float64Array.from(probability) };
    for (const method of ["temperature", "platt", "isotonic"] as const) {
      const calibrator = fitClassCalibrator(method, { ...rows, nClasses: N_CLASSES });
      const [a = NaN, b = NaN, c = NaN] = calibrateClasses(calibrator, Float64Array.of(0, 0.25, 0.75));
      expect(a + b + c).toBeCloseTo(1, 12);
      expect(Math.min(a, b, c)).toBeGreaterThanOrEqual(0);
    }
  });

  it("is refused by a model of other classes", () => {
    const { truth, prediction } = draw("refused", 200, (shares) => shares);
    const lines = fitClassCalibrator("platt", { truth, probability: prediction, nClasses: N_CLASSES });
    const shape = { nFeatures: 1, postTransform: "softmax" } as const;
    const model: ConstantModel = {
      kind: "constant",
      taskKind: "multiclass",
      nOutputs: 2,
      base: [0, 0],
      ...shape,
    };
    expect(() => calibrateClassModel(model, lines)).toThrow(RangeError);
    const fitting = calibrateClassModel({ ...model, nOutputs: 3, base: [0, 0, 0] }, lines);
    expect(() => calibrateClassModel(fitting, lines)).toThrow("calibrated already");
  });
});
