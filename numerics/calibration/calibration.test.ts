import { describe, expect, it } from "vitest";
import { blendModels } from "../blend/blend-models.ts";
import { trainForest } from "../forest/trainer.ts";
import { trainGbdt } from "../gbdt/trainer.ts";
import { trainLinear } from "../linear/trainer.ts";
import { rocAuc } from "../metrics/binary.ts";
import { predict } from "../model.ts";
import { createGenerator } from "../random/generator.ts";
import { calibrate, calibrateModel, fitCalibrator, scaleOf } from "./calibrator.ts";
import { chooseCalibrator } from "./choose-calibrator.ts";
import { applyIsotonic, fitIsotonic } from "./isotonic.ts";
import { fitPlatt } from "./platt.ts";

/** Rows whose true chance is `truthOf(p)` where the model says p; five groups per fold share it. */
function draw(seed: string, nRows: number, truthOf: (p: number) => number) {
  const generator = createGenerator(seed);
  const prediction = Float64Array.from({ length: nRows }, () => generator.next());
  const truth = prediction.map((p) => Number(generator.next() < truthOf(p)));
  const fold = Int32Array.from({ length: nRows }, (_, row) => Math.floor(row / 20) % 5);
  return { truth, prediction, fold };
}

const logit = (p: number) => Math.log(p / (1 - p));
const overconfident = (p: number) => 1 / (1 + Math.exp(-(0.5 * logit(p) - 1)));

describe("fitPlatt", () => {
  it("finds the line that made the rows", () => {
    const { truth, prediction } = draw("platt", 20_000, overconfident);
    const line = fitPlatt(truth, prediction.map(logit));
    expect(line?.slope).toBeCloseTo(0.5, 1);
    expect(line?.intercept).toBeCloseTo(-1, 1);
  });

  it.each([
    ["one class", [1, 1, 1], [0.1, 0.2, 0.3]],
    ["a score that falls", [1, 1, 0, 0], [-2, -1, 1, 2]],
    ["scores all alike", [1, 0, 1, 0], [3, 3, 3, 3]],
  ])("has no line for %s", (_name, truth, score) => {
    expect(fitPlatt(Float64Array.from(truth), Float64Array.from(score))).toBeNull();
  });

  it("stays finite where one threshold tells the classes apart", () => {
    const line = fitPlatt(Float64Array.of(0, 0, 0, 1, 1, 1), Float64Array.of(-3, -2, -1, 1, 2, 3));
    expect(Number.isFinite(line?.slope)).toBe(true);
  });
});

describe("fitIsotonic", () => {
  it("joins block centres by rising lines", () => {
    const truth = Float64Array.of(0, 0, 1, 0, 1, 1);
    const curve = fitIsotonic(truth, Float64Array.of(0.1, 0.2, 0.4, 0.5, 0.7, 0.9));
    expect(curve?.values).toEqual([0, 0.5, 1]);
    [0.15, 0.45, 0.8].forEach((knot, k) => expect(curve?.knots[k]).toBeCloseTo(knot, 12));
  });

  it("never jumps, and keeps the order", () => {
    const { truth, prediction } = draw("order", 3_000, (p) => (p > 0.5 ? 0.9 : 0.1));
    const curve = fitIsotonic(truth, prediction);
    if (curve === null) throw new Error("expected a curve");
    const calibrated = prediction.map((p) => applyIsotonic(curve, p));
    expect(rocAuc(truth, calibrated)).toBe(rocAuc(truth, prediction));
    curve.knots.slice(1).forEach((knot, k) => {
      const slope = (curve.values[k + 1] - curve.values[k]) / (knot - curve.knots[k]);
      expect(slope).toBeGreaterThan(0);
      expect(slope).toBeLessThanOrEqual(50);
    });
    expect(Math.min(...calibrated)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...calibrated)).toBeLessThanOrEqual(1);
  });

  it.each([
    ["no rows", [], []],
    ["one row", [1], [0.5]],
    ["one class", [0, 0, 0], [0.1, 0.5, 0.9]],
    ["one probability", [0, 1, 0], [0.5, 0.5, 0.5]],
    ["a falling relation", [1, 1, 0, 0], [0.1, 0.2, 0.8, 0.9]],
  ])("has no curve for %s", (_name, truth, probability) => {
    expect(fitIsotonic(Float64Array.from(truth), Float64Array.from(probability))).toBeNull();
  });
});

describe("chooseCalibrator", () => {
  it.each([
    ["leaves good probabilities alone", "good", (p: number) => p, "none"],
    ["draws a line for overconfident ones", "over", overconfident, "platt"],
    [
      "bends a curve where no line fits",
      "steps",
      (p: number) => (p > 0.7 ? 0.5 : 0.05 + 0.1 * p),
      "isotonic",
    ],
  ])("%s", (_name, seed, truthOf, method) => {
    const { calibrator, trials } = chooseCalibrator([draw(seed, 5_000, truthOf)], {
      wanted: "auto",
      scale: "log_odds",
    });
    expect(calibrator.method).toBe(method);
    expect(trials[0]?.method).toBe(method);
    expect(trials).toHaveLength(3);
  });

  it("is byte-equal when repeated, and takes a wanted method", () => {
    const rows = [draw("again", 1_000, (p) => p)];
    const choose = () => chooseCalibrator(rows, { wanted: "isotonic", scale: "probability" });
    expect(JSON.stringify(choose())).toBe(JSON.stringify(choose()));
    expect(choose().calibrator.method).toBe("isotonic");
  });
});

describe("calibrateModel", () => {
  const generator = createGenerator("models");
  const nRows = 400;
  const data = Float64Array.from({ length: nRows * 3 }, () => generator.normal());
  const matrix = { data, nRows, nColumns: 3 };
  const values = Float64Array.from({ length: nRows }, (_, r) =>
    Number(data[3 * r] + generator.normal() > 0.5),
  );
  const input = { matrix, target: { taskKind: "binary" as const, values }, seed: 1 };
  const models = {
    boosted: trainGbdt({ ...input, parameters: { numIterations: 20 } }).model,
    linear: trainLinear(input),
    forest: trainForest({ ...input, parameters: { numTrees: 15 } }),
  };
  const { boosted, linear, forest } = models;
  const blend = blendModels([boosted, linear, forest], [0.5, 0.3, 0.2]);

  it.each(
    // `alone`: a blend in which one member has all the weight is that member, with a line for probabilities.
    (["boosted", "linear", "forest", "blend", "alone"] as const).flatMap((kind) =>
      (["platt", "isotonic"] as const).map((method) => [kind, method] as const),
    ),
  )("%s with %s answers as its calibrator says", (kind, method) => {
    const model = { ...models, blend, alone: boosted }[kind];
    const probability = predict(model, matrix).values;
    const scale = kind === "alone" ? "probability" : scaleOf(model);
    const calibrator = fitCalibrator(method, { truth: values, probability, scale });
    expect(calibrator.method).toBe(method);
    const calibrated = predict(calibrateModel(model, calibrator), matrix).values;
    calibrate(calibrator, probability).forEach((p, row) => expect(calibrated[row]).toBeCloseTo(p, 12));
  });
});
