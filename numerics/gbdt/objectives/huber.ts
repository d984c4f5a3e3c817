import type { Loss } from "./objective.ts";
import { weightOf } from "./objective.ts";
import { weightedQuantile } from "./weighted-statistics.ts";

/**
 * ½ d² within ±δ, δ (|d| − ½ δ) beyond: squared error that outliers do not rule. g = w · clip(d, ±δ), h = w.
 *
 * Source: Huber 1964 (doi:10.1214/aoms/1177703732). Starts from the median, which outliers do not move.
 */
export const HUBER: Loss = {
  taskKind: "regression",
  isHessianOne: true,
  base: ({ targets, weights }) => Float64Array.of(weightedQuantile(targets.slice(), weights, 0.5)),
  bind: (rows, { gradients, hessians }, { settings: { huberDelta } }) => ({
    derive(_k, { begin, end }) {
      for (let row = begin; row < end; row++) {
        const weight = weightOf(rows, row);
        const difference = rows.scores[row] - rows.targets[row];
        gradients[row] = weight * Math.max(-huberDelta, Math.min(huberDelta, difference));
        hessians[row] = weight;
      }
    },
  }),
  rowLoss: ({ scores, targets }, row, { settings: { huberDelta } }) => {
    const size = Math.abs(scores[row] - targets[row]);
    return size <= huberDelta ? size * size * 0.5 : huberDelta * (size - 0.5 * huberDelta);
  },
};
