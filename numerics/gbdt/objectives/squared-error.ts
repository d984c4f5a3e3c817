import type { Loss } from "./objective.ts";
import { weightedMean } from "./weighted-statistics.ts";

/** (s − y)²; g = w d, h = w: half the derivatives, as is usual. */
export const SQUARED_ERROR: Loss = {
  taskKind: "regression",
  isHessianOne: true,
  base: (rows) => Float64Array.of(weightedMean(rows, (target) => target)),
  bind: ({ targets, weights, scores }, { gradients, hessians }) => ({
    derive(_k, { begin, end }) {
      if (weights.length === 0) {
        for (let row = begin; row < end; row++) gradients[row] = scores[row] - targets[row];
        hessians.fill(1, begin, end);
        return;
      }
      for (let row = begin; row < end; row++) {
        gradients[row] = weights[row] * (scores[row] - targets[row]);
        hessians[row] = weights[row];
      }
    },
  }),
  rowLoss: ({ scores, targets }, row) => (scores[row] - targets[row]) ** 2,
};
