import { exponential } from "../kernels/exponential.ts";
import type { Loss } from "./objective.ts";
import { weightedMean } from "./weighted-statistics.ts";

/** Clips the log-odds of a class that hardly occurs: e^−20 is one in 485 million. */
export const MAX_LOG_ODDS = 20;

/** −log of the probability of what happened, in nats; p = 1 / (1 + e^−s), g = w (p − y), h = w p (1 − p). */
export const LOG_LOSS: Loss = {
  taskKind: "binary",
  isHessianOne: false,
  kernel: "deriveLogLoss",
  base: (rows) => {
    const share = weightedMean(rows, (target) => target);
    const logOdds = Math.log(share) - Math.log1p(-share);
    return Float64Array.of(Math.max(-MAX_LOG_ODDS, Math.min(MAX_LOG_ODDS, logOdds)));
  },
  bind: ({ targets, weights, scores }, { gradients, hessians }) => ({
    derive(_k, { begin, end }) {
      for (let row = begin; row < end; row++) {
        const weight = weights.length === 0 ? 1 : weights[row];
        const probability = 1 / (1 + exponential(-scores[row]));
        gradients[row] = weight * (probability - targets[row]);
        hessians[row] = weight * probability * (1 - probability);
      }
    },
  }),
  rowLoss: ({ scores, targets }, row) => {
    // log(1 + e^−m) with the margin m, without overflow on either side.
    const margin = targets[row] === 1 ? scores[row] : -scores[row];
    return Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(0, -margin);
  },
};
