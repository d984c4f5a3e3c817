/**
 * Turns doubles into ordered bins, once per training, so that the search for splits counts small
 * integers instead of sorting numbers: at most 255 per feature for boosting, 65 535 for forests, whose
 * features nearly always have a bin per distinct value then.
 *
 *   bin 0        missing (always reserved, so that every feature has one layout)
 *   bin 1 … k    values, ascending; x falls into the first bin b with x ≤ upperBounds[b − 1]
 *
 * Upper bounds are real thresholds: `x ≤ upperBounds[b − 1]` holds exactly when bin(x) ≤ b, so a tree
 * grown on bins predicts the same from raw doubles. `maxBin` counts value bins and excludes bin 0;
 * `nBins` includes it.
 *
 * Source: LightGBM 4.7 `src/io/bin.cpp`, GreedyFindBin: frequent values keep a bin of their own, the
 * others share the rest in equal counts.
 */
import type { Matrix } from "../matrix.ts";
import { BinFinder } from "./bin-finder.ts";
import { drawRows } from "../random/draw-rows.ts";
import type { Generator } from "../random/generator.ts";
import { sortDoubles } from "../sort-doubles.ts";

/** Bin borders of every feature, learnt from the training rows alone. */
export interface BinMapper {
  /** Ascending upper bounds per feature; the last is the largest double: every finite x has a bin. */
  readonly upperBounds: readonly Float64Array[];
  /** Bins of the widest feature, the missing bin included: the stride of a histogram. */
  readonly nBins: number;
}

export interface BinLimits {
  /** Most value bins per feature, 2 … 65 535; for boosting 255. */
  readonly maxBin: number;
  /** Fewest rows that a shared bin may hold. */
  readonly minDataInBin: number;
}

export interface BinningOptions extends BinLimits {
  /** Borders are found on at most this many rows, drawn with `generator`. */
  readonly sampleRows: number;
  readonly generator: Generator;
}

/** As many doubles as a line of memory holds. */
const COLUMNS_AT_ONCE = 8;

/** Bin 0 of every feature. */
export const MISSING_BIN = 0;

/**
 * Learns the bin borders.
 *
 * @param rows indices of the training rows in `matrix`
 * @returns borders for every column, also for constant and all-missing ones (one bin)
 *
 * Cost: one sort of the sampled rows per column. Deterministic for a seed.
 */
export function fitBins(matrix: Matrix, rows: Int32Array, options: BinningOptions): BinMapper {
  const sampled = sampleRows(rows, options.sampleRows, options.generator);
  const { data, nColumns } = matrix;
  // Of some columns at a time, so that each line of memory is read once for all of them.
  const gathered = Array.from(
    { length: Math.min(COLUMNS_AT_ONCE, nColumns) },
    () => new Float64Array(sampled.length),
  );
  const upperBounds: Float64Array[] = [];
  let nBins = 2;
  for (let first = 0; first < nColumns; first += COLUMNS_AT_ONCE) {
    const values = gathered.slice(0, nColumns - first);
    for (let index = 0; index < sampled.length; index++) {
      const from = sampled[index] * nColumns + first;
      for (let place = 0; place < values.length; place++) values[place][index] = data[from + place];
    }
    for (const column of values) {
      const bounds = fitColumn(column, options);
      upperBounds.push(bounds);
      nBins = Math.max(nBins, bounds.length + 1);
    }
  }
  return { upperBounds, nBins };
}

/**
 * Bins the given rows, in their order. Uint16Array, row-major (rows × columns).
 *
 * @param isShared in memory that threads share
 */
export function binRowsWide(
  { data, nColumns }: Matrix,
  rows: Int32Array,
  { mapper, isShared = false }: { readonly mapper: BinMapper; readonly isShared?: boolean },
): Uint16Array {
  const { upperBounds } = mapper;
  const length = rows.length * nColumns;
  const bins = isShared ? new Uint16Array(new SharedArrayBuffer(2 * length)) : new Uint16Array(length);
  for (let column = 0; column < nColumns; column++) {
    const finder = new BinFinder(upperBounds[column]);
    for (let index = 0; index < rows.length; index++) {
      bins[index * nColumns + column] = finder.find(data[rows[index] * nColumns + column]);
    }
  }
  return bins;
}

/** Bin of one value: binary search for the first bound that is not below it. */
export function findBin(value: number, bounds: Float64Array): number {
  if (Number.isNaN(value)) return MISSING_BIN;
  let low = 0;
  let high = bounds.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= bounds[middle]) high = middle;
    else low = middle + 1;
  }
  return low + 1;
}

/** Most codes of a column that get a bin each; rarer ones share the bin of missing values. */
const MOST_CODES = 254;

/**
 * The codes of a column of categories that get a bin each, ascending: the most frequent of the sampled values, each at
 * least `minDataInBin` times.
 */
export function fitCodes(values: Float64Array, limits: BinLimits): Float64Array {
  const counts = new Map<number, number>();
  for (const value of values) {
    if (!Number.isNaN(value)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const frequent = [...counts]
    .filter(([, count]) => count >= limits.minDataInBin)
    .sort(([a, countA], [b, countB]) => countB - countA || a - b)
    .slice(0, Math.min(MOST_CODES, limits.maxBin));
  return Float64Array.from(frequent, ([code]) => code).sort();
}

/** Bin of a code: its place among those that have one, or the bin of missing values. */
export function findCodeBin(value: number, codes: Float64Array): number {
  let low = 0;
  let high = codes.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= codes[middle]) high = middle;
    else low = middle + 1;
  }
  return codes[low] === value ? low + 1 : MISSING_BIN;
}

/** At most `most` of the rows, drawn, in their order; the rows themselves where that is all. */
export function sampleRows(rows: Int32Array, most: number, generator: Generator): Int32Array {
  if (rows.length <= most) return rows;
  const places = drawRows(rows.length, most, generator);
  return places.map((place) => rows[place]);
}

/**
 * Upper bounds of one column's value bins, from the values of the sampled rows; NaN = missing.
 *
 * @param values used as scratch: a training fits many columns, and fresh arrays for each would be its largest memory
 */
export function fitColumn(values: Float64Array, limits: BinLimits): Float64Array {
  let nPresent = 0;
  for (const value of values) if (!Number.isNaN(value)) values[nPresent++] = value;
  const present = values.subarray(0, nPresent);
  sortDoubles(present);
  return findUpperBounds(present, limits);
}

function findUpperBounds(sorted: Float64Array, limits: BinLimits): Float64Array {
  const distinct = sorted;
  const counts = new Int32Array(sorted.length);
  let nDistinct = 0;
  for (const value of sorted) {
    if (nDistinct === 0 || distinct[nDistinct - 1] !== value) distinct[nDistinct++] = value;
    counts[nDistinct - 1] += 1;
  }
  const used = counts.subarray(0, nDistinct);
  const lastOfBins =
    nDistinct <= limits.maxBin
      ? closeSmallBins(used, limits.minDataInBin)
      : closeEqualBins(used, sorted.length, limits);
  const bounds = new Float64Array(lastOfBins.length + 1).fill(Number.MAX_VALUE);
  for (let bin = 0; bin < lastOfBins.length; bin++) {
    const last = lastOfBins[bin];
    bounds[bin] = midpoint(distinct[last], distinct[last + 1]);
  }
  return bounds;
}

/** Few distinct values: each gets a bin, joined with the next while below the minimum count. */
function closeSmallBins(counts: Int32Array, minDataInBin: number): number[] {
  const lastOfBins: number[] = [];
  let inBin = 0;
  for (let index = 0; index < counts.length - 1; index++) {
    inBin += counts[index];
    if (inBin >= minDataInBin) {
      lastOfBins.push(index);
      inBin = 0;
    }
  }
  return lastOfBins;
}

/** Many distinct values: bins of about equal count; a value as frequent as a bin gets its own. */
function closeEqualBins(counts: Int32Array, total: number, limits: BinLimits): number[] {
  const nBinsWanted = Math.max(
    1,
    Math.min(limits.maxBin, Math.floor(total / Math.max(1, limits.minDataInBin))),
  );
  const bigFrom = total / nBinsWanted;
  let restBins = nBinsWanted;
  let restRows = total;
  for (const count of counts) {
    if (count < bigFrom) continue;
    restBins -= 1;
    restRows -= count;
  }
  let meanSize = restBins > 0 ? restRows / restBins : Infinity;
  const lastOfBins: number[] = [];
  let inBin = 0;
  for (let index = 0; index < counts.length - 1 && lastOfBins.length < nBinsWanted - 1; index++) {
    const isBig = counts[index] >= bigFrom;
    if (!isBig) restRows -= counts[index];
    inBin += counts[index];
    const isFull = inBin >= meanSize || (counts[index + 1] >= bigFrom && inBin >= Math.max(1, meanSize / 2));
    if (isBig || isFull) {
      lastOfBins.push(index);
      inBin = 0;
      if (!isBig) {
        restBins -= 1;
        // What is left is shared anew, so that early full bins do not starve the last ones.
        meanSize = restBins > 0 ? restRows / restBins : Infinity;
      }
    }
  }
  return lastOfBins;
}

/** A double t with low ≤ t < high, halfway where doubles allow it; `low` where they are equal. */
export function midpoint(low: number, high: number): number {
  const sum = low + high;
  const middle = Number.isFinite(sum) ? sum / 2 : low / 2 + high / 2;
  return middle < high ? middle : low;
}
