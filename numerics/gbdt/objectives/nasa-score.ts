import type { Loss, LossSettings } from "./objective.ts";
import { weightOf } from "./objective.ts";
import { weightedMean } from "./weighted-statistics.ts";

/** e^20: beyond this a row would leave no bits to the others in a packed sum. */
const MAX_EXPONENT = 20;

/**
 * The asymmetric score of the PHM08 challenge: e^(−d/a) − 1 for early predictions (d < 0), e^(d/b) − 1 for late
 * ones, which cost more: a late warning comes after the failure. a = 13 and b = 10 cycles there.
 *
 *   g = −w/a · e^(−d/a) or w/b · e^(d/b)        h = w/a² · e^(−d/a) or w/b² · e^(d/b)
 *
 * Exponents are clipped at 20, so that one far row cannot outweigh all others.
 *
 * Source: Saxena et al. 2008 (doi:10.1109/PHM.2008.4711414), eq. 11.
 */
export const NASA_SCORE: Loss = {
  taskKind: "regression",
  isHessianOne: false,
  base: (rows) => Float64Array.of(weightedMean(rows, (target) => target)),
  bind: (rows, { gradients, hessians }, { settings }) => ({
    derive(_k, { begin, end }) {
      for (let row = begin; row < end; row++) {
        const weight = weightOf(rows, row);
        const difference = rows.scores[row] - rows.targets[row];
        const scale = difference < 0 ? -settings.earlyScale : settings.lateScale;
        const steep = (weight * expOf(difference, settings)) / scale;
        gradients[row] = steep;
        hessians[row] = steep / scale;
      }
    },
  }),
  rowLoss: ({ scores, targets }, row, { settings }) => expOf(scores[row] - targets[row], settings) - 1,
};

function expOf(difference: number, { earlyScale, lateScale }: LossSettings): number {
  return Math.exp(Math.min(MAX_EXPONENT, difference < 0 ? -difference / earlyScale : difference / lateScale));
}
