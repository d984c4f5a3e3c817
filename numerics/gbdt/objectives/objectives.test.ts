import { describe, expect, it } from "vitest";
import { createGenerator } from "../../random/generator.ts";
import { normalHazard } from "../../stats/normal.ts";
import type { LossSettings, ObjectiveName, ScoredRows } from "./objective.ts";
import { LOSSES } from "./table.ts";
import { weightedQuantile } from "./weighted-statistics.ts";

const settings: LossSettings = {
  huberDelta: 1.5,
  quantileLevel: 0.8,
  earlyScale: 13,
  lateScale: 10,
  censoredScale: 2,
};

const SMOOTH: readonly { name: ObjectiveName; nScores: number; half: boolean }[] = [
  { name: "squaredError", nScores: 1, half: true },
  { name: "absoluteError", nScores: 1, half: true },
  { name: "huber", nScores: 1, half: false },
  { name: "quantile", nScores: 1, half: false },
  { name: "nasaScore", nScores: 1, half: false },
  { name: "logLoss", nScores: 1, half: false },
  { name: "softmax", nScores: 3, half: false },
];

function rowsOf(name: ObjectiveName, nScores: number): ScoredRows {
  const generator = createGenerator(`objective/${name}`);
  const { taskKind } = LOSSES[name];
  const n = 40;
  return {
    targets: Float64Array.from({ length: n }, () =>
      taskKind === "regression"
        ? 3 * generator.normal()
        : generator.integer(taskKind === "binary" ? 2 : nScores),
    ),
    weights: Float64Array.from({ length: n }, () => 0.5 + generator.next()),
    censored: Uint8Array.from({ length: n }, (_, row) => row % 2),
    scores: Float64Array.from({ length: n * nScores }, () => 3 * generator.normal()),
    scale: Float64Array.of(settings.censoredScale),
  };
}

/** Gradients of score k, and the slope of the loss by a small step to either side. */
function compare(name: ObjectiveName, nScores: number): { given: number[]; slopes: number[] } {
  const loss = LOSSES[name];
  const choice = { name, nScores, settings };
  const rows = rowsOf(name, nScores);
  const n = rows.targets.length;
  const out = {
    gradients: new Float64Array(n),
    hessians: new Float64Array(n),
    probabilities: new Float64Array(n * nScores),
  };
  const objective = loss.bind(rows, out, choice);
  objective.prepare?.({ begin: 0, end: n });
  const given: number[] = [];
  const slopes: number[] = [];
  const step = 1e-5;
  for (let k = 0; k < nScores; k++) {
    objective.derive(k, { begin: 0, end: n });
    for (let row = 0; row < n; row++) {
      expect(out.hessians[row]).toBeGreaterThan(0);
      given.push(out.gradients[row]);
      const at = (shift: number) => {
        const scores = rows.scores.slice();
        scores[k * n + row] += shift;
        return loss.rowLoss({ ...rows, scores }, row, choice);
      };
      slopes.push((rows.weights[row] * (at(step) - at(-step))) / (2 * step));
    }
  }
  return { given, slopes };
}

describe("gradients are the slopes of the loss", () => {
  it.each(SMOOTH)("$name", ({ name, nScores, half }) => {
    const { given, slopes } = compare(name, nScores);
    given.forEach((gradient, place) => expect(gradient * (half ? 2 : 1)).toBeCloseTo(slopes[place], 5));
  });

  it("censoredNormal, times the variance", () => {
    const { given, slopes } = compare("censoredNormal", 1);
    // The fit of the tail has a relative error of 1e-7, which a difference quotient raises.
    given.forEach((gradient, place) =>
      expect(gradient / settings.censoredScale ** 2).toBeCloseTo(slopes[place], 2),
    );
  });
});

it("the hazard of the normal is near z far out", () => {
  expect(normalHazard(30)).toBeCloseTo(30.0333, 2);
  expect(normalHazard(-30)).toBeCloseTo(0, 9);
});

it.each([
  [[3, 1, 2], [], 0.5, 2],
  [[3, 1, 2, 4], [], 0.5, 2],
  [[3, 1, 2], [], 0.999, 3],
  [[3, 1, 2], [0, 1, 5], 0.9, 2],
  [[3, 1, 2], [10, 1, 1], 0.5, 3],
  [[], [], 0.5, 0],
])("weightedQuantile of %j with weights %j at %d", (values, weights, level, expected) => {
  expect(weightedQuantile(Float64Array.from(values), Float64Array.from(weights), level)).toBe(expected);
});
