import { logUpperTail } from "../../stats/normal.ts";
import type { Loss } from "./objective.ts";
import { weightOf } from "./objective.ts";
import { weightedMean } from "./weighted-statistics.ts";

/**
 * Squared error that also learns from machines that have not failed yet: of those the target is a lower bound.
 * The target is normal about the score with standard deviation σ; z = (y − s) / σ.
 *
 *   failed        loss = ½ z²                   g = −z/σ            h = 1/σ²
 *   not failed    loss = −log(1 − Φ(z))         g = −λ(z)/σ         h = λ(z) (λ(z) − z)/σ²
 *
 * with λ = φ/(1 − Φ), the hazard of the normal. All are multiplied by σ², so that a failed row is as in squared error.
 *
 * Source: Tobin 1958 (doi:10.2307/1907382): the accelerated-failure-time model with normal errors, on the scale of
 * the target instead of its logarithm, because remaining life is capped and reaches 0.
 */
export const CENSORED_NORMAL: Loss = {
  taskKind: "regression",
  isHessianOne: false,
  base: (rows) => Float64Array.of(weightedMean(rows, (target) => target)),
  bind: (rows, { gradients, hessians }, { settings: { censoredScale } }) => ({
    derive(_k, { begin, end }) {
      for (let row = begin; row < end; row++) {
        const weight = weightOf(rows, row);
        const z = (rows.targets[row] - rows.scores[row]) / censoredScale;
        if (rows.censored.length === 0 || rows.censored[row] === 0) {
          gradients[row] = -weight * z * censoredScale;
          hessians[row] = weight;
        } else {
          const hazard = normalHazard(z);
          gradients[row] = -weight * hazard * censoredScale;
          hessians[row] = weight * Math.max(LEAST_HESSIAN, hazard * (hazard - z));
        }
      }
    },
  }),
  rowLoss: ({ scores, targets, censored }, row, { settings: { censoredScale } }) => {
    const z = (targets[row] - scores[row]) / censoredScale;
    if (censored.length === 0 || censored[row] === 0) return 0.5 * z * z;
    return -logUpperTail(z);
  },
};

/** A row far above its bound says nothing more, but must not make a leaf of such rows divide by 0. */
const LEAST_HESSIAN = 1e-6;

/** λ(z) = φ(z) / (1 − Φ(z)): about 0 far below the score, about z far above. */
export function normalHazard(z: number): number {
  return Math.exp(-0.5 * z * z - 0.5 * Math.log(2 * Math.PI) - logUpperTail(z));
}
