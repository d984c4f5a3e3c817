/**
 * Lines through the log-probabilities of several classes:
 *
 *   q_k = e^(z_k) / Σ_j e^(z_j),  z_k = slope_k · ln(p_k + FLOOR) + intercept_k
 *
 * One slope for all and no intercepts is temperature scaling, which keeps the order of the classes; a slope and an
 * intercept per class is vector scaling, which of two classes is a Platt line.
 *
 * Source: Guo et al. 2017 (arXiv:1706.04599); Platt 1999.
 */
import { minimiseLbfgs } from "../linear/lbfgs.ts";

/** Of each class. */
export interface ClassLines {
  /** > 0: a higher probability never means a lower one. */
  readonly slopes: readonly number[];
  readonly intercepts: readonly number[];
}

/**
 * Added to every probability: a zero of a forest stays finite, and the float32 rounding of a graph's tree sums (6e-8)
 * stays below the parity limit of 1e-5.
 */
export const FLOOR = 1e-3;
const MAX_STEPS = 200;
/** Of the gradient of the mean loss. */
const TOLERANCE = 1e-9;
/** Weight of one row, drawn to slopes of 1 and intercepts of 0: rows that one line tells apart have no optimum else. */
const PULL = 1;

export interface ClassRows {
  /** Class index per row. */
  readonly truth: Float64Array;
  /** Row-major (rows × classes), each row adding up to 1. */
  readonly probability: Float64Array;
  /** ≥ 2 */
  readonly nClasses: number;
}

/**
 * The lines with the least log loss.
 *
 * @param isShared true: one slope for all classes and no intercepts
 * @returns null without rows, or where the best line of a class does not rise
 *
 * Deterministic. Cost: rows · classes per step.
 */
export function fitClassLines(rows: ClassRows, isShared: boolean): ClassLines | null {
  const { truth, nClasses } = rows;
  if (truth.length === 0) return null;
  const logs = rows.probability.map((p) => Math.log(p + FLOOR));
  const nSlopes = isShared ? 1 : nClasses;
  const start = new Float64Array(isShared ? 1 : 2 * nClasses).fill(1, 0, nSlopes);
  const slopeAt = (k: number): number => (isShared ? 0 : k);
  const loss = (x: Float64Array, gradient: Float64Array): number => {
    const shares = new Float64Array(nClasses);
    let sum = 0;
    for (let row = 0; row < truth.length; row++) {
      const at = row * nClasses;
      for (let k = 0; k < nClasses; k++)
        shares[k] = x[slopeAt(k)] * logs[at + k] + (isShared ? 0 : x[nClasses + k]);
      sum += surpriseOf(shares, truth[row]);
      for (let k = 0; k < nClasses; k++) {
        const error = shares[k] - (truth[row] === k ? 1 : 0);
        gradient[slopeAt(k)] += error * logs[at + k];
        if (!isShared) gradient[nClasses + k] += error;
      }
    }
    for (let i = 0; i < x.length; i++) {
      const away = x[i] - (i < nSlopes ? 1 : 0);
      sum += (PULL / 2) * away * away;
      gradient[i] = (gradient[i] + PULL * away) / truth.length;
    }
    return sum / truth.length;
  };
  const best = minimiseLbfgs(loss, start, {
    maxIterations: MAX_STEPS,
    tolerance: TOLERANCE,
    onStep: () => {},
  });
  const slopes = Array.from({ length: nClasses }, (_, k) => best[slopeAt(k)]);
  const intercepts = Array.from({ length: nClasses }, (_, k) => (isShared ? 0 : best[nClasses + k]));
  return slopes.every((slope) => slope > 0) ? { slopes, intercepts } : null;
}

/** Turns scores into shares in place; returns −ln of the true class's. */
function surpriseOf(scores: Float64Array, trueClass: number): number {
  let top = -Infinity;
  for (const score of scores) top = Math.max(top, score);
  const ofTruth = scores[trueClass] - top;
  let sum = 0;
  for (let k = 0; k < scores.length; k++) {
    scores[k] = Math.exp(scores[k] - top);
    sum += scores[k];
  }
  for (let k = 0; k < scores.length; k++) scores[k] /= sum;
  return Math.log(sum) - ofTruth;
}

/** Calibrates row after row in place. Writes `probability`. */
export function applyClassLines({ slopes, intercepts }: ClassLines, probability: Float64Array): void {
  const nClasses = slopes.length;
  for (let at = 0; at < probability.length; at += nClasses) {
    const row = probability.subarray(at, at + nClasses);
    for (let k = 0; k < nClasses; k++) row[k] = slopes[k] * Math.log(row[k] + FLOOR) + intercepts[k];
    surpriseOf(row, 0);
  }
}
