import { logUpperTail, normalHazard } from "../../stats/normal.ts";
import type { Loss, ScoredRows, TargetRows } from "./objective.ts";
import { weightOf } from "./objective.ts";

/**
 * Squared error that also learns from machines that have not failed yet: of those the target is a lower bound.
 * The target is normal about the score with standard deviation σ; z = (y − s) / σ.
 *
 *   failed        loss = ½ z² + log σ           g = −z/σ            h = 1/σ²
 *   not failed    loss = −log(1 − Φ(z))         g = −λ(z)/σ         h = λ(z) (λ(z) − z)/σ²
 *
 * with λ = φ/(1 − Φ), the hazard of the normal. Both derivatives are multiplied by σ², so that a failed row is as in
 * squared error. σ says how far beyond its bound a machine may be expected to live. Unless it is given it is learnt:
 * after every round one EM step towards its maximum of likelihood, in which a row that has not failed stands with
 *
 *   E[(y' − s)² | y' ≥ y] = σ² (1 + z λ(z))
 *
 * Source: Tobin 1958 (doi:10.2307/1907382): the accelerated-failure-time model with normal errors, on the scale of
 * the target instead of its logarithm, because remaining life is capped and reaches 0.
 */
export const CENSORED_NORMAL: Loss = {
  taskKind: "regression",
  isHessianOne: false,
  takesBounds: true,
  base: (rows) => Float64Array.of(fitConstant(rows).mean),
  bind: (rows, { gradients, hessians }) => ({
    derive(_k, { begin, end }) {
      const [scale] = rows.scale;
      for (let row = begin; row < end; row++) {
        const weight = weightOf(rows, row);
        const z = (rows.targets[row] - rows.scores[row]) / scale;
        if (isBound(rows, row)) {
          const hazard = normalHazard(z);
          gradients[row] = -weight * hazard * scale;
          hessians[row] = weight * Math.max(LEAST_HESSIAN, hazard * (hazard - z));
        } else {
          gradients[row] = -weight * z * scale;
          hessians[row] = weight;
        }
      }
    },
  }),
  rowLoss: (rows, row) => {
    const [scale] = rows.scale;
    const z = (rows.targets[row] - rows.scores[row]) / scale;
    return isBound(rows, row) ? -logUpperTail(z) : 0.5 * z * z + Math.log(scale);
  },
  scatter: {
    given: ({ censoredScale }) => (censoredScale > 0 ? censoredScale : null),
    first: (rows) => fitConstant(rows).deviation,
    sumSquares: (rows, { begin, end }) => {
      let total = 0;
      for (let row = begin; row < end; row++) total += weightOf(rows, row) * expectedSquare(rows, row);
      return total;
    },
  },
};

/** A row far above its bound says nothing more, but must not make a leaf of such rows divide by 0. */
const LEAST_HESSIAN = 1e-6;

function isBound({ censored }: TargetRows, row: number): boolean {
  return censored.length > 0 && censored[row] === 1;
}

/** Squared distance of the target from the score; of a bound its expectation. */
function expectedSquare(rows: ScoredRows, row: number): number {
  const distance = rows.targets[row] - rows.scores[row];
  if (!isBound(rows, row)) return distance * distance;
  const [scale] = rows.scale;
  const z = distance / scale;
  return Math.max(0, scale * scale * (1 + z * normalHazard(z)));
}

/** Rows that the constant is fitted on, and steps towards it: it is where boosting starts, not where it ends. */
const CONSTANT_ROWS = 5_000;
const MOST_STEPS = 100;
/** Of the deviation: a step that moves the mean by less is the last. */
const LEAST_STEP = 1e-4;

/**
 * Mean and deviation of the normal that the targets are most likely under, by EM from those of the targets as they are.
 *
 * @returns the deviation is > 0, also of equal targets
 */
function fitConstant(given: TargetRows): { readonly mean: number; readonly deviation: number } {
  const rows = evenSample(given, CONSTANT_ROWS);
  let mean = weightedMean(rows, (row) => rows.targets[row]);
  const least = 1e-12 * (1 + mean * mean);
  let variance = Math.max(
    least,
    weightedMean(rows, (row) => (rows.targets[row] - mean) ** 2),
  );
  const at: ScoredRows = {
    ...rows,
    scores: new Float64Array(rows.targets.length),
    scale: new Float64Array(1),
  };
  for (let step = 0; step < (rows.censored.length === 0 ? 0 : MOST_STEPS); step++) {
    const deviation = Math.sqrt(variance);
    at.scores.fill(mean);
    at.scale[0] = deviation;
    const life = (row: number) =>
      isBound(rows, row)
        ? mean + deviation * normalHazard((rows.targets[row] - mean) / deviation)
        : rows.targets[row];
    const next = weightedMean(rows, life);
    // Squares about the old mean, of which the mean's own move is taken off.
    const squares = weightedMean(rows, (row) => expectedSquare(at, row));
    variance = Math.max(least, squares - (next - mean) ** 2);
    const isLast = Math.abs(next - mean) < LEAST_STEP * deviation;
    mean = next;
    if (isLast) break;
  }
  return { mean, deviation: Math.sqrt(variance) };
}

/** At most about `most` rows, evenly spread. */
function evenSample(rows: TargetRows, most: number): TargetRows {
  const step = Math.ceil(rows.targets.length / most);
  if (step <= 1) return rows;
  const isPicked = (_: number, row: number) => row % step === 0;
  return {
    targets: rows.targets.filter(isPicked),
    weights: rows.weights.filter(isPicked),
    censored: rows.censored.filter(isPicked),
  };
}

/** Σ w · value / Σ w, in row order; of rows without any weight the plain mean. */
function weightedMean(rows: TargetRows, value: (row: number) => number): number {
  let total = 0;
  let plain = 0;
  let weights = 0;
  for (let row = 0; row < rows.targets.length; row++) {
    const weight = weightOf(rows, row);
    total += weight * value(row);
    plain += value(row);
    weights += weight;
  }
  return weights > 0 ? total / weights : plain / rows.targets.length;
}
