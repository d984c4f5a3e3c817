/** A line from score to log-odds: probability = 1 / (1 + e^−(slope · score + intercept)). */
export interface PlattLine {
  /** > 0: a higher score never means a lower probability. */
  readonly slope: number;
  readonly intercept: number;
}

const MAX_STEPS = 100;
/** Added to the curvature, so that scores that are all alike do not divide by zero. */
const RIDGE = 1e-12;

/**
 * The line with the least log loss, by damped Newton steps.
 *
 * min over (a, b) of −Σ [ t ln p + (1 − t) ln(1 − p) ],  p = σ(a s + b)
 *
 * Targets are drawn in from 0 and 1, t₊ = (n₊ + 1) / (n₊ + 2) and t₋ = 1 / (n₋ + 2), so that separable rows do not
 * send the slope to infinity.
 *
 * @param truth 0 or 1 per row
 * @param score finite per row: log-odds, or any score that rises with the chance of a positive
 * @returns null where one class is missing or the best line does not rise
 *
 * Source: Platt 1999; Lin, Lin & Weng 2007 (doi:10.1007/s10994-007-5018-6).
 */
export function fitPlatt(truth: Float64Array, score: Float64Array): PlattLine | null {
  const nPositive = truth.reduce((sum, value) => sum + value, 0);
  const nNegative = truth.length - nPositive;
  if (nPositive === 0 || nNegative === 0) return null;
  const high = (nPositive + 1) / (nPositive + 2);
  const low = 1 / (nNegative + 2);
  const rows = { score, target: truth.map((value) => (value === 1 ? high : low)) };
  let line: PlattLine = { slope: 0, intercept: Math.log((nPositive + 1) / (nNegative + 1)) };
  let loss = lossOf(rows, line);
  for (let step = 0; step < MAX_STEPS; step++) {
    const move = newtonMove(rows, line);
    let share = 1;
    let next = line;
    let nextLoss = Infinity;
    for (; share > 1e-10; share /= 2) {
      next = { slope: line.slope + share * move.slope, intercept: line.intercept + share * move.intercept };
      nextLoss = lossOf(rows, next);
      if (nextLoss < loss) break;
    }
    if (!(nextLoss < loss)) break;
    const isDone = loss - nextLoss <= 1e-12 * Math.abs(loss);
    line = next;
    loss = nextLoss;
    if (isDone) break;
  }
  return line.slope > 0 ? line : null;
}

interface PlattRows {
  readonly score: Float64Array;
  readonly target: Float64Array;
}

/** −Σ ln likelihood; ln(1 + e^z) without overflow. */
function lossOf({ score, target }: PlattRows, { slope, intercept }: PlattLine): number {
  let sum = 0;
  for (let row = 0; row < score.length; row++) {
    const z = slope * score[row] + intercept;
    sum += Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - target[row] * z;
  }
  return sum;
}

/** −H⁻¹ g of the loss. */
function newtonMove({ score, target }: PlattRows, { slope, intercept }: PlattLine): PlattLine {
  let [gradA, gradB, hessAA, hessAB, hessBB] = [0, 0, RIDGE, 0, RIDGE];
  for (let row = 0; row < score.length; row++) {
    const p = 1 / (1 + Math.exp(-(slope * score[row] + intercept)));
    const error = p - target[row];
    const weight = p * (1 - p);
    gradA += error * score[row];
    gradB += error;
    hessAA += weight * score[row] * score[row];
    hessAB += weight * score[row];
    hessBB += weight;
  }
  const determinant = Math.max(hessAA * hessBB - hessAB * hessAB, RIDGE * RIDGE);
  return {
    slope: -(hessBB * gradA - hessAB * gradB) / determinant,
    intercept: -(hessAA * gradB - hessAB * gradA) / determinant,
  };
}
