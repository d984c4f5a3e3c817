/**
 * The reference: what every feature looked like when the model was trained, frozen into a small JSON.
 *
 * It is part of the model version, so drift is always measured against the data behind the model that answers, and needs
 * neither the training rows nor a database. Per numeric feature it holds:
 *
 *   edges     quantile bin edges      counts per bin         → PSI, Jensen–Shannon
 *   sketch    evenly spaced order statistics of the values    → Kolmogorov–Smirnov, Wasserstein
 *   min, max  of the values                                   → range
 *   plot      counts in bins of equal width                   → what people look at
 *
 * and over all of them the pattern that they moved in (`reconstruction`).
 *
 * The sketch takes the values at ranks ⌊(i + ½) m / K⌋ of m sorted values, i = 0…K − 1. Its step function differs from the
 * full empirical distribution by at most 1/(2K) + 1/m anywhere; the test subtracts that bound, so it can only become more
 * cautious. With K = 200 a feature costs about 4 kB.
 */
import { requireInteger } from "../stats/checked-array.ts";
import { histogram } from "../stats/histogram.ts";
import { mean, standardDeviation } from "../stats/moments.ts";
import { quantileSorted } from "../stats/quantile.ts";
import { sortDoubles } from "../sort-doubles.ts";
import { indexGroups } from "../splits/groups.ts";
import type { GroupId } from "../splits/groups.ts";
import { freezeReconstruction } from "./checks/reconstruction.ts";
import type { ReconstructionColumn, ReconstructionReference } from "./checks/reconstruction.ts";
import { plotEdges } from "./plot-bins.ts";
import type { PlotBins } from "./plot-bins.ts";
import { ALL_INDEPENDENT, independenceOf } from "./statistics/independence.ts";
import type { Independence, RowGroups } from "./statistics/independence.ts";
import { binCounts, countWindow, unionOf } from "./window-counts.ts";

/** What a column is: an input of the model, or its answer. */
export type ColumnRole = "feature" | "score";

/** Values of one feature, or of the score, over some rows. */
export type DriftColumn = { readonly name: string; readonly role?: ColumnRole } & (
  | { readonly kind: "numeric"; readonly values: ArrayLike<number> }
  | {
      readonly kind: "categorical";
      readonly values: ArrayLike<string | null>;
      /** Categories never seen stand among the missing ones, as in rows that a model was given. */
      readonly isUnseenMissing?: boolean;
    }
);

/** Frozen distribution of a number. NaN counts as missing. */
export interface NumericReference {
  readonly name: string;
  readonly kind: "numeric";
  readonly role: ColumnRole;
  /** rows with a value, and rows without */
  readonly count: number;
  readonly missing: number;
  /** share of the rows that count as independent, in (0, 1]; 1 when frozen without assets */
  readonly independentRatio: number;
  /** correlation of two rows of one asset; 0 when frozen without assets, or before it was kept */
  readonly intraclass: number;
  /** null when no row has a value */
  readonly mean: number | null;
  readonly std: number | null;
  /** null when no row has a value, or of a reference frozen before they were kept; so is `plot` */
  readonly min: number | null;
  readonly max: number | null;
  readonly plot: PlotBins | null;
  /** strictly ascending inner bin edges; bin i holds (edge i − 1, edge i] */
  readonly edges: readonly number[];
  /** rows per bin, edges.length + 1 of them, adding up to `count` */
  readonly counts: readonly number[];
  /** ascending; all values when `count` is at most the sketch size */
  readonly sketch: readonly number[];
}

/** Frozen distribution of a category. null counts as missing. */
export interface CategoricalReference {
  readonly name: string;
  readonly kind: "categorical";
  readonly role: ColumnRole;
  /** rows counted, with and without a value; every second one where there are more than `maxCategories` categories */
  readonly count: number;
  readonly missing: number;
  /** share of the rows that count as independent, in (0, 1]; 1 when frozen without assets */
  readonly independentRatio: number;
  /** correlation of two rows of one asset; 0 when frozen without assets, or before it was kept */
  readonly intraclass: number;
  /** at most `maxCategories`, most frequent first (ties by text) */
  readonly categories: readonly { readonly value: string; readonly count: number }[];
  /** rows of all further categories */
  readonly otherCount: number;
}

export type FeatureReference = NumericReference | CategoricalReference;

/** The reference of a model version. Plain JSON; equal rows in any order give equal bytes up to the last digit of means. */
export interface DriftReference {
  readonly kind: typeof REFERENCE_KIND;
  readonly nRows: number;
  readonly features: readonly FeatureReference[];
  /** null: too few rows or columns, or frozen before it was kept */
  readonly reconstruction: ReconstructionReference | null;
}

/** Form of the document; the first form had neither kind, range, plot, role nor reconstruction. */
export const REFERENCE_KIND = "aura.reference/2";

/** How fine the reference is. */
export interface ReferenceOptions {
  /** quantile bins, 2…100; default 10 */
  readonly nBins?: number;
  /** points of the sketch, 20…10,000; default 200 */
  readonly sketchSize?: number;
  /** categories kept by name, 1…10,000; default 100 */
  readonly maxCategories?: number;
  /** asset id per row: rows of an asset then count by how much they differ, see `independenceOf` */
  readonly groups?: ArrayLike<GroupId>;
  /** time per row, in any unit: what the folds of the reconstruction error follow; default the order of the rows */
  readonly times?: ArrayLike<number>;
}

/**
 * Freeze the reference of a table.
 *
 * @param columns equally long; numeric values finite or NaN
 * @throws {RangeError} when lengths differ, a name repeats, a value is infinite or an option is out of range
 *
 * Cost: O(n log n) per feature.
 */
export function freezeReference(
  columns: readonly DriftColumn[],
  options: ReferenceOptions = {},
): DriftReference {
  const nBins = options.nBins ?? 10;
  const sketchSize = options.sketchSize ?? 200;
  const maxCategories = options.maxCategories ?? 100;
  requireInteger("nBins", nBins, [2, 100]);
  requireInteger("sketchSize", sketchSize, [20, 10_000]);
  requireInteger("maxCategories", maxCategories, [1, 10_000]);
  const nRows = requireTable(columns);
  const groups = options.groups === undefined ? undefined : indexGroups(options.groups);
  const features = columns.map((column) => {
    const rows = columnIndependence(column, groups);
    return column.kind === "numeric"
      ? freezeNumeric(column, { nBins, sketchSize, rows })
      : freezeCategorical(column, { maxCategories, rows });
  });
  return {
    kind: REFERENCE_KIND,
    nRows,
    features,
    reconstruction: freezeReconstruction(patternColumns(columns, features), {
      ...(options.times === undefined ? {} : { times: options.times }),
      ...(groups === undefined ? {} : { groups }),
    }),
  };
}

/** Numeric inputs, with the scale they were frozen at. */
function patternColumns(
  columns: readonly DriftColumn[],
  features: readonly FeatureReference[],
): ReconstructionColumn[] {
  return columns.flatMap((column, i) => {
    const feature = features[i];
    if (column.kind !== "numeric" || feature.kind !== "numeric" || feature.role === "score") return [];
    const { name, values } = column;
    return [{ name, values, mean: feature.mean ?? 0, scale: feature.std ?? 0 }];
  });
}

/**
 * Refuse columns that are no table.
 *
 * @returns the common number of rows; 0 without columns
 * @throws {RangeError} when lengths differ or a name repeats
 */
export function requireTable(columns: readonly DriftColumn[]): number {
  const nRows = columns[0]?.values.length ?? 0;
  const names = new Set<string>();
  for (const column of columns) {
    if (column.values.length !== nRows) {
      throw new RangeError(`column ${column.name} must have ${nRows} rows, got ${column.values.length}`);
    }
    if (names.has(column.name)) throw new RangeError(`column ${column.name} is given twice`);
    names.add(column.name);
  }
  return nRows;
}

/**
 * The present values, ascending.
 *
 * @throws {RangeError} for an infinite value
 */
export function presentSorted(name: string, values: ArrayLike<number>): Float64Array {
  const present = new Float64Array(values.length);
  let n = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isNaN(value)) continue;
    if (!Number.isFinite(value)) throw new RangeError(`${name}[${i}] must be finite or NaN, got ${value}`);
    // + 0 turns −0 into 0: typed arrays sort −0 first, comparisons call them equal.
    present[n++] = value + 0;
  }
  const sorted = present.slice(0, n);
  sortDoubles(sorted);
  return sorted;
}

/** Counts of categories, missing rows apart. */
export function countCategories(values: ArrayLike<string | null>): {
  counts: Map<string, number>;
  missing: number;
} {
  const counts = new Map<string, number>();
  let missing = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === null) missing++;
    else counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return { counts, missing };
}

/**
 * How far a column's rows are independent; a category is judged by "is the most frequent one".
 *
 * @param leastIntraclass as `independenceOf` takes it
 */
export function columnIndependence(
  column: DriftColumn,
  groups: RowGroups | undefined,
  leastIntraclass = 0,
): Independence {
  if (groups === undefined) return ALL_INDEPENDENT;
  if (column.kind === "numeric") return independenceOf(column.values, groups, leastIntraclass);
  let usual: string | undefined;
  let most = 0;
  for (const [value, count] of countCategories(column.values).counts) {
    if (count > most) {
      usual = value;
      most = count;
    }
  }
  const isUsual = Float64Array.from(column.values, (value) => (value === usual ? 1 : 0));
  return independenceOf(isUsual, groups, leastIntraclass);
}

function freezeNumeric(
  {
    name,
    role,
    values,
  }: { readonly name: string; readonly role?: ColumnRole; readonly values: ArrayLike<number> },
  options: { nBins: number; sketchSize: number; rows: Independence },
): NumericReference {
  const sorted = presentSorted(name, values);
  const count = sorted.length;
  const edges = count === 0 ? [] : quantileEdges(sorted, options.nBins);
  return {
    name,
    kind: "numeric",
    role: role ?? "feature",
    count,
    missing: values.length - count,
    independentRatio: options.rows.ratio,
    intraclass: options.rows.intraclass,
    mean: count === 0 ? null : mean(sorted),
    std: count === 0 ? null : standardDeviation(sorted),
    min: count === 0 ? null : sorted[0],
    max: count === 0 ? null : sorted[count - 1],
    plot: count === 0 ? null : plotOf(name, sorted),
    edges,
    counts: [...histogram(sorted, edges).counts],
    sketch: sketchOf(sorted, options.sketchSize),
  };
}

/** Share of the values that are left out at each end of the drawn range. */
const PLOT_TAIL = 0.005;

function plotOf(name: string, sorted: Float64Array): PlotBins {
  let low = quantileSorted(sorted, PLOT_TAIL);
  let high = quantileSorted(sorted, 1 - PLOT_TAIL);
  if (low === high) {
    const margin = Math.abs(low) / 10 || 1;
    [low, high] = [low - margin, high + margin];
  }
  const edges = plotEdges({ low, high });
  return { low, high, counts: [...binCounts(countWindow(name, sorted, unionOf(edges)), edges)] };
}

/**
 * Inner edges at the quantiles. A value so frequent that several quantiles fall on it gets a bin of its own, closed below
 * by the next smaller value seen (or a hair below it), so that leaving a constant shows on both sides.
 */
function quantileEdges(sorted: Float64Array, nBins: number): number[] {
  const edges = new Set<number>();
  for (let i = 1; i < nBins; i++) {
    const edge = quantileSorted(sorted, i / nBins);
    if (edges.has(edge)) edges.add(largestBelow(sorted, edge));
    edges.add(edge);
  }
  return [...edges].sort((a, b) => a - b);
}

function largestBelow(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low > 0 ? sorted[low - 1] : value - Math.max(Number.MIN_VALUE, Math.abs(value) * Number.EPSILON);
}

function sketchOf(sorted: Float64Array, size: number): number[] {
  const m = sorted.length;
  if (m <= size) return [...sorted];
  return Array.from({ length: size }, (_, i) => sorted[Math.floor(((i + 0.5) * m) / size)]);
}

/**
 * Of at most `maxCategories` categories every one is named and counted. Of more, the most frequent of the even rows are
 * named and the odd rows counted: counts of rows that chose the names are too high for rows to come, and what is pooled
 * too low, which looks like drift.
 */
function freezeCategorical(
  {
    name,
    role,
    values,
  }: { readonly name: string; readonly role?: ColumnRole; readonly values: ArrayLike<string | null> },
  { maxCategories, rows }: { maxCategories: number; rows: Independence },
): CategoricalReference {
  const all = countCategories(values);
  const isPooled = all.counts.size > maxCategories;
  const { counts, missing } = isPooled ? countCategories(everySecond(values, 1)) : all;
  const chosen = isPooled ? countCategories(everySecond(values, 0)).counts : all.counts;
  const named = byFrequency(chosen).slice(0, maxCategories);
  const categories = named.map(({ value }) => ({ value, count: counts.get(value) ?? 0 }));
  const count = [...counts.values()].reduce((sum, one) => sum + one, 0);
  const kept = categories.reduce((sum, category) => sum + category.count, 0);
  return {
    name,
    kind: "categorical",
    role: role ?? "feature",
    count,
    missing,
    independentRatio: rows.ratio,
    intraclass: rows.intraclass,
    categories,
    otherCount: count - kept,
  };
}

function byFrequency(counts: ReadonlyMap<string, number>): { value: string; count: number }[] {
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
}

function everySecond<T>(values: ArrayLike<T>, from: 0 | 1): T[] {
  return Array.from({ length: Math.floor((values.length + 1 - from) / 2) }, (_, i) => values[2 * i + from]);
}
