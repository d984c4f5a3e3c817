/**
 * k-means for operating regimes: six flight conditions, two load levels.
 *
 * Columns are scaled to unit variance first (altitude runs to 42,000 ft, Mach to 0.84), centres are kept in original
 * units. Several k-means++ starts are refined by Lloyd's steps and the tightest is kept. Clusters are numbered by their
 * centre (first column, then second …), so that a refit on similar data gives the same regime the same number.
 */
import { createGenerator } from "../random/generator.ts";
import type { Generator } from "../random/generator.ts";
import { requireFinite, requireInteger } from "../stats/checked-array.ts";
import { sumOf } from "../stats/sum.ts";

/** Fitted regimes. Plain JSON; part of the fitted state of a model version. */
export interface KMeansModel {
  readonly nFeatures: number;
  /** per cluster the centre in original units, in cluster order */
  readonly centres: readonly (readonly number[])[];
  /** per column what a difference is divided by: its standard deviation, 1 for a constant column */
  readonly scales: readonly number[];
  /** Σ squared scaled distance of the rows to their centres */
  readonly inertia: number;
}

export interface KMeansOptions {
  readonly nFeatures: number;
  /** 1…1000; fewer clusters come out when there are fewer distinct rows */
  readonly nClusters: number;
  /** integer */
  readonly seed: number;
  /** starts to choose from, 1…100; default 5 */
  readonly nStarts?: number;
  /** Lloyd steps per start, 1…10,000; default 100 */
  readonly maxSteps?: number;
}

/**
 * Fit regimes.
 *
 * @param values Float64Array, row-major (nRows × nFeatures), finite
 * @returns clusters in ascending order of centre; the same rows in the same order and seed give the same bits
 * @throws {RangeError} when empty, ragged, not finite, or an option is out of range
 *
 * Cost: O(nStarts · steps · nRows · nClusters · nFeatures). Source: Lloyd 1982; Arthur & Vassilvitskii 2007 (k-means++).
 */
export function fitKMeans(values: ArrayLike<number>, options: KMeansOptions): KMeansModel {
  const { nFeatures, nClusters, seed, nStarts = 5, maxSteps = 100 } = options;
  requireInteger("nFeatures", nFeatures, [1, 10_000]);
  requireInteger("nClusters", nClusters, [1, 1000]);
  requireInteger("nStarts", nStarts, [1, 100]);
  requireInteger("maxSteps", maxSteps, [1, 10_000]);
  requireFinite("values", values);
  if (values.length === 0 || values.length % nFeatures !== 0) {
    throw new RangeError(`values must hold rows of ${nFeatures} columns, got ${values.length} values`);
  }
  const scales = columnScales(values, nFeatures);
  const scaled = Float64Array.from(values, (value, i) => value / scales[i % nFeatures]);
  let best: Start | undefined;
  for (let start = 0; start < nStarts; start++) {
    const generator = createGenerator(seed).fork(`k-means/${start}`);
    const found = refine(scaled, seedCentres(scaled, { nFeatures, nClusters, generator }), {
      nFeatures,
      maxSteps,
    });
    if (best === undefined || found.inertia < best.inertia) best = found;
  }
  if (best === undefined) throw new RangeError("k-means needs at least one start");
  const rows = Array.from({ length: best.centres.length / nFeatures }, (_, c) =>
    Array.from({ length: nFeatures }, (__, f) => (best.centres[c * nFeatures + f] ?? 0) * scales[f]),
  );
  return { nFeatures, centres: rows.sort(compareRows), scales, inertia: best.inertia };
}

/**
 * The regime of a row: the nearest centre in scaled distance, the lowest number on a tie.
 *
 * @param model fitted regimes
 * @param row   nFeatures values in original units; missing (NaN) ones are left out of the distance
 * @returns cluster number, or −1 when every value is missing
 * @throws {RangeError} when the row has another length or an infinite value
 */
export function assignCluster(model: KMeansModel, row: ArrayLike<number>): number {
  if (row.length !== model.nFeatures) {
    throw new RangeError(`row must have ${model.nFeatures} values, got ${row.length}`);
  }
  let best = -1;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let c = 0; c < model.centres.length; c++) {
    let distance = 0;
    let nPresent = 0;
    for (let f = 0; f < row.length; f++) {
      if (Number.isNaN(row[f])) continue;
      if (!Number.isFinite(row[f])) throw new RangeError(`row[${f}] must be finite or NaN, got ${row[f]}`);
      distance += ((row[f] - model.centres[c][f]) / model.scales[f]) ** 2;
      nPresent++;
    }
    if (nPresent > 0 && distance < bestDistance) {
      best = c;
      bestDistance = distance;
    }
  }
  return best;
}

interface Start {
  readonly centres: Float64Array;
  readonly inertia: number;
}

function columnScales(values: ArrayLike<number>, nFeatures: number): number[] {
  const nRows = values.length / nFeatures;
  return Array.from({ length: nFeatures }, (_, f) => {
    const first = values[f];
    const shift = sumOf(nRows, (row) => values[row * nFeatures + f] - first) / nRows;
    const squares = sumOf(nRows, (row) => (values[row * nFeatures + f] - first - shift) ** 2);
    return squares > 0 ? Math.sqrt(squares / nRows) : 1;
  });
}

/** k-means++: each next centre is a row drawn with probability ∝ squared distance to the nearest centre so far. */
function seedCentres(
  scaled: Float64Array,
  options: { nFeatures: number; nClusters: number; generator: Generator },
): Float64Array {
  const { nFeatures, nClusters, generator } = options;
  const nRows = scaled.length / nFeatures;
  const chosen = [generator.integer(nRows)];
  const nearest = new Float64Array(nRows).fill(Number.POSITIVE_INFINITY);
  while (chosen.length < nClusters) {
    const last = chosen[chosen.length - 1] * nFeatures;
    const centre = scaled.subarray(last, last + nFeatures);
    let total = 0;
    for (let row = 0; row < nRows; row++) {
      const distance = squaredDistance(scaled, row * nFeatures, centre);
      if (distance < nearest[row]) nearest[row] = distance;
      total += nearest[row];
    }
    // Every row lies on a centre: there are no more distinct rows to start from.
    if (total === 0) break;
    chosen.push(drawByWeight(nearest, generator.next() * total));
  }
  const centres = new Float64Array(chosen.length * nFeatures);
  chosen.forEach((row, c) => {
    centres.set(scaled.subarray(row * nFeatures, (row + 1) * nFeatures), c * nFeatures);
  });
  return centres;
}

function drawByWeight(weights: Float64Array, target: number): number {
  let sum = 0;
  let last = 0;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    sum += weights[i];
    last = i;
    if (sum > target) return i;
  }
  return last;
}

/** Lloyd's steps until no row changes its centre. A centre that loses all rows stays where it was. */
function refine(
  scaled: Float64Array,
  centres: Float64Array,
  options: { nFeatures: number; maxSteps: number },
): Start {
  const { nFeatures, maxSteps } = options;
  const nClusters = centres.length / nFeatures;
  const nRows = scaled.length / nFeatures;
  const views = Array.from({ length: nClusters }, (_, c) =>
    centres.subarray(c * nFeatures, (c + 1) * nFeatures),
  );
  const labels = new Int32Array(nRows).fill(-1);
  let inertia = 0;
  for (let step = 0; step < maxSteps; step++) {
    const sums = new Float64Array(centres.length);
    const counts = new Float64Array(nClusters);
    let nChanged = 0;
    inertia = 0;
    for (let row = 0; row < nRows; row++) {
      let best = 0;
      let bestDistance = Number.POSITIVE_INFINITY;
      for (let c = 0; c < nClusters; c++) {
        const distance = squaredDistance(scaled, row * nFeatures, views[c]);
        if (distance < bestDistance) {
          best = c;
          bestDistance = distance;
        }
      }
      if (labels[row] !== best) nChanged++;
      labels[row] = best;
      counts[best]++;
      inertia += bestDistance;
      for (let f = 0; f < nFeatures; f++) sums[best * nFeatures + f] += scaled[row * nFeatures + f];
    }
    if (nChanged === 0) break;
    for (let i = 0; i < centres.length; i++) {
      const count = counts[Math.floor(i / nFeatures)];
      if (count > 0) centres[i] = sums[i] / count;
    }
  }
  return { centres, inertia };
}

function squaredDistance(scaled: Float64Array, offset: number, centre: Float64Array): number {
  let distance = 0;
  for (let f = 0; f < centre.length; f++) distance += (scaled[offset + f] - centre[f]) ** 2;
  return distance;
}

function compareRows(left: readonly number[], right: readonly number[]): number {
  for (let f = 0; f < left.length; f++) {
    if (left[f] !== right[f]) return left[f] - right[f];
  }
  return 0;
}
