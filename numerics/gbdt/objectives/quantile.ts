import type { Loss, LossSettings } from "./objective.ts";
import { weightOf } from "./objective.ts";
import { weightedQuantile } from "./weighted-statistics.ts";

/**
 * Pinball loss of level a: (1 − a) d for d ≥ 0, −a d below; g = w (1 − a) or −w a, h = w.
 *
 * Its hessian is 0 wherever it is defined, so trees only choose the splits: every leaf takes the quantile of its
 * residuals.
 *
 * Source: Koenker & Bassett 1978 (doi:10.2307/1913643); leaves as in LightGBM's RenewTreeOutput.
 */
export function quantileLoss(level: (settings: LossSettings) => number): Loss {
  return {
    taskKind: "regression",
    isHessianOne: true,
    base: ({ targets, weights }, { settings }) =>
      Float64Array.of(weightedQuantile(targets.slice(), weights, level(settings))),
    bind: (rows, { gradients, hessians }, { settings }) => {
      const { targets, scores } = rows;
      const [over, under] = [1 - level(settings), -level(settings)];
      return {
        derive(_k, { begin, end }) {
          for (let row = begin; row < end; row++) {
            const weight = weightOf(rows, row);
            gradients[row] = weight * (scores[row] >= targets[row] ? over : under);
            hessians[row] = weight;
          }
        },
      };
    },
    rowLoss: ({ scores, targets }, row, { settings }) => {
      const difference = scores[row] - targets[row];
      return difference >= 0 ? (1 - level(settings)) * difference : -level(settings) * difference;
    },
    leafQuantile: level,
  };
}

export const QUANTILE: Loss = quantileLoss((settings) => settings.quantileLevel);
