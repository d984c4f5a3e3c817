import { requireFinite, requireNonEmpty, requireSameLength } from "../stats/checked-array.ts";
import { logUpperTail, normalHazard } from "../stats/normal.ts";
import { ascendingOrder } from "../stats/rank.ts";

/** Lives that are known with their predictions, and lower bounds of those that are not. */
export interface CensoredRows {
  /** Finite, not empty. */
  readonly truth: ArrayLike<number>;
  /** Finite, as many. */
  readonly prediction: ArrayLike<number>;
  /** Finite: what the other lives exceed. */
  readonly bounds: ArrayLike<number>;
}

/**
 * Root mean squared error as it would be had no life been cut off: short lives are known more often than long ones, so
 * each known one counts 1 / G(y), with G(y) the chance that a life of that length is known (inverse probability of
 * censoring). G is the Kaplan–Meier estimate of the bounds; without bounds every weight is 1.
 *
 *   √( Σ (ŷ − y)² / G(y) / Σ 1 / G(y) )
 *
 * Assumes that watching ends for reasons that have nothing to do with the life. Lives beyond the longest known one are in
 * no weight: with a cap that some machine outlived there are none, without a cap the error of long lives stays unknown.
 *
 * @throws {RangeError} when empty, of different length or not finite
 *
 * Cost: O(n log n).
 * Source: Graf et al. 1999 (doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5).
 */
export function censoringWeightedError(rows: CensoredRows): number {
  const { truth, prediction } = rows;
  requireSameLength(["truth", "prediction"], truth, prediction);
  requireFinite("prediction", prediction);
  const weights = censoringWeights(rows);
  let total = 0;
  let weightSum = 0;
  weights.forEach((weight, row) => {
    total += weight * (prediction[row] - truth[row]) ** 2;
    weightSum += weight;
  });
  return Math.sqrt(total / weightSum);
}

/**
 * 1 / G of each known life.
 *
 * @returns Float64Array (known lives), ≥ 1
 */
export function censoringWeights({ truth, bounds }: Omit<CensoredRows, "prediction">): Float64Array {
  requireNonEmpty("truth", truth);
  requireFinite("truth", truth);
  requireFinite("bounds", bounds);
  const nKnown = truth.length;
  const times = Float64Array.from({ length: nKnown + bounds.length }, (_, row) =>
    row < nKnown ? truth[row] : bounds[row - nKnown],
  );
  const weights = new Float64Array(nKnown);
  let known = 1;
  // Of equal times the known lives come first, as they stand first: what ends at y was watched until y.
  ascendingOrder(times).forEach((row, place) => {
    if (row < nKnown) weights[row] = 1 / known;
    else known *= 1 - 1 / (times.length - place);
  });
  return weights;
}

const HALF_LOG_2_PI = 0.5 * Math.log(2 * Math.PI);
const HALVINGS = 40;

/**
 * Mean negative log-likelihood, in nats, of lives that are normal about their predictions with the standard deviation that
 * makes it least; of lives that have not ended the chance to exceed the bound counts. Without bounds it is log rmse but for
 * a constant; with them it still tells which predictions are nearer to the lives, those beyond the longest known one too.
 *
 * @param censored bounds of the lives that have not ended, and what was predicted of them
 * @throws {RangeError} when there is no known life, lengths differ or a value is not finite
 *
 * Cost: O(n) for each of 40 halvings; the likelihood has one maximum, as it is log-concave in 1 / σ.
 */
export function lifeLoss(
  known: { readonly truth: ArrayLike<number>; readonly prediction: ArrayLike<number> },
  censored: { readonly bounds: ArrayLike<number>; readonly prediction: ArrayLike<number> },
): number {
  requireNonEmpty("truth", known.truth);
  const ended = distances("truth", known.truth, known.prediction);
  const unended = distances("bounds", censored.bounds, censored.prediction);
  const deviation = likeliestDeviation(ended, unended);
  let total = ended.length * (Math.log(deviation) + HALF_LOG_2_PI);
  for (const distance of ended) total += 0.5 * (distance / deviation) ** 2;
  for (const distance of unended) total -= logUpperTail(distance / deviation);
  return total / (ended.length + unended.length);
}

/** Where the slope of the likelihood in log σ, n − Σ z² − Σ z λ(z), changes its sign. */
function likeliestDeviation(ended: Float64Array, unended: Float64Array): number {
  let widest = 0;
  for (const side of [ended, unended]) {
    for (const distance of side) widest = Math.max(widest, Math.abs(distance));
  }
  // Right to the last digit there is no deviation: the least that is told from none.
  let low = Math.log(Math.max(1e-9 * widest, 1e-9));
  let high = Math.log(Math.max(widest, 1e-9) * (ended.length + unended.length));
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    const deviation = Math.exp(middle);
    let slope = ended.length;
    for (const distance of ended) slope -= (distance / deviation) ** 2;
    for (const distance of unended) slope -= (distance / deviation) * normalHazard(distance / deviation);
    if (slope > 0) high = middle;
    else low = middle;
  }
  return Math.exp((low + high) / 2);
}

/** @returns Float64Array: value − prediction */
function distances(name: string, values: ArrayLike<number>, prediction: ArrayLike<number>): Float64Array {
  requireSameLength([name, "prediction"], values, prediction);
  requireFinite(name, values);
  requireFinite("prediction", prediction);
  return Float64Array.from(values, (value, row) => value - prediction[row]);
}
