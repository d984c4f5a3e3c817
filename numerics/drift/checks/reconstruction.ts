/**
 * Multivariate drift: whether columns still move together as they did at training.
 *
 * A principal component analysis of the training rows is frozen; rows that keep the pattern are put together again from
 * few components nearly as they were, rows that break it are not. The error of a row is the length of what is lost,
 *
 *   z = (x − mean)/std (missing = 0),  error = ‖z − V Vᵀ z‖ = √(‖z‖² − ‖Vᵀ z‖²)   V: components for 65 % of the variance
 *
 * The error of one row counts up to that which one row in a hundred exceeded at training: sensors that spike or stand still make
 * errors without bound, of which a window has as many as the next one and one of them can outweigh all others.
 *
 * A column may keep its own distribution while its tie to the others breaks; no check of single columns sees that.
 *
 * How much the mean error of a window varies without drift is learnt at training: rows are cut into ten folds in time,
 * each fold's error is that of components fitted on the other nine, and the spread of the fold means beyond chance is
 * how much one time differs from another.
 *
 *   t = (ē − μ) / √(β (1 + 1/10) + s² (1/n + 1/m)),  β = max(0, var(fold means) − 10 s²/m),  9 degrees of freedom
 *
 * Sources: NannyML, "Multivariate drift detection, data reconstruction with PCA"; Jackson & Mudholkar 1979 (Q statistic).
 */
import { decomposeByReduction } from "../../linear/tridiagonal.ts";
import { mean, variance } from "../../stats/moments.ts";
import { quantileSorted } from "../../stats/quantile.ts";
import { studentTail } from "../../stats/student-t.ts";
import { ALL_INDEPENDENT, independenceOf } from "../statistics/independence.ts";
import type { Independence, RowGroups } from "../statistics/independence.ts";

/** Frozen with the reference. Plain JSON. */
export interface ReconstructionReference {
  /** names of the columns, in the order of all that follows */
  readonly columns: readonly string[];
  readonly means: readonly number[];
  readonly scales: readonly number[];
  /** row-major (nComponents × columns), orthonormal rows */
  readonly components: readonly number[];
  readonly nComponents: number;
  /** of the variance of these columns, in (0, 1] */
  readonly explainedShare: number;
  /** rows it was learnt from, and the share of them that count as independent */
  readonly nRows: number;
  readonly independentRatio: number;
  /** correlation of the errors of two rows of one asset */
  readonly intraclass: number;
  /** what the error of a row counts at most; null: without bound, as frozen before it was kept */
  readonly errorCap: number | null;
  /** mean error, and deviation of the error of a row from its fold's mean */
  readonly meanError: number;
  readonly errorStd: number;
  /** mean error of each fold, in the order of time */
  readonly foldErrors: readonly number[];
}

/** A numeric column of the table. */
export interface ReconstructionColumn {
  readonly name: string;
  /** NaN = missing, counts as the mean */
  readonly values: ArrayLike<number>;
  readonly mean: number;
  /** standard deviation; of 0 the column takes no part */
  readonly scale: number;
}

/** Share of the rows whose error counts as it is. */
const UNCAPPED_SHARE = 0.99;
/** Share of the variance that the components hold, as NannyML's default. */
const EXPLAINED_SHARE = 0.65;
const N_FOLDS = 10;
const MIN_ROWS = 500;
export const MAX_RECONSTRUCTION_COLUMNS = 400;
/** Values that are learnt from at most; of more rows an even sample. */
const MAX_CELLS = 5_000_000;
/** Rows standardised at a time: they stay in the cache. */
const BLOCK_ROWS = 256;

/**
 * Learns the pattern.
 *
 * @param columns  those that vary take part
 * @param options  time per row, for the folds (default: the order of the rows); assets of the rows
 * @returns null when fewer than 2 or more than 400 columns vary, or rows are fewer than 500
 *
 * Cost: n d² for the products, 55 d³ for eleven decompositions. Deterministic.
 */
export function freezeReconstruction(
  columns: readonly ReconstructionColumn[],
  options: { readonly times?: ArrayLike<number>; readonly groups?: RowGroups } = {},
): ReconstructionReference | null {
  // A spread that is only the rounding of a large level is no pattern.
  const scaled = columns.filter(({ mean: centre, scale }) => scale > 1e-12 * Math.abs(centre));
  const nColumns = scaled.length;
  const rows = sampledRows(columns[0]?.values.length ?? 0, nColumns, options.times);
  if (nColumns < 2 || nColumns > MAX_RECONSTRUCTION_COLUMNS || rows.length < MIN_ROWS) return null;
  const table = standardised(scaled, rows);
  const folds = foldSums(table, nColumns);
  const all = componentsOf(addUp(folds), nColumns);
  const errors = new Float64Array(rows.length);
  folds.forEach(({ begin, end }, left) => {
    const others = folds.filter((_, fold) => fold !== left);
    const { components } = componentsOf(addUp(others), nColumns, all.nComponents);
    errorsOf(
      { data: table.subarray(begin * nColumns, end * nColumns), nColumns, components },
      (row, error) => {
        errors[begin + row] = error;
      },
    );
  });
  const errorCap = quantileSorted(errors.slice().sort(), UNCAPPED_SHARE);
  capAt(errors, errorCap);
  const foldErrors = folds.map(({ begin, end }) => mean(errors.subarray(begin, end)));
  const within = folds.reduce(
    (sum, { begin, end }) => sum + variance(errors.subarray(begin, end)) * (end - begin),
    0,
  );
  const errorStd = Math.sqrt(within / rows.length);
  if (!(errorStd > 0)) return null;
  const independence = sampleIndependence(errors, rows, options.groups);
  return {
    columns: scaled.map(({ name }) => name),
    means: scaled.map((column) => column.mean),
    scales: scaled.map(({ scale }) => scale),
    components: [...all.components],
    nComponents: all.nComponents,
    explainedShare: all.explainedShare,
    nRows: rows.length,
    independentRatio: independence.ratio,
    intraclass: independence.intraclass,
    errorCap,
    meanError: mean(errors),
    errorStd,
    foldErrors,
  };
}

/** How a window's errors differ from those at training. */
export interface ReconstructionShift {
  readonly n: number;
  readonly meanError: number;
  /** (mean error − mean error at training) in deviations of a row's error; below 0: rows have become more alike */
  readonly effect: number;
  readonly nIndependent: number;
  readonly pValue: number;
}

/**
 * Reconstruction error of a window.
 *
 * @param columns holds every column of the reference, equally long, not empty
 * @param groups  assets of the rows
 * @throws {RangeError} when a column is absent
 *
 * Cost: n d (k + 1) for k components.
 */
export function reconstructionShift(
  reference: ReconstructionReference,
  columns: ReadonlyMap<string, ArrayLike<number>>,
  groups?: RowGroups,
): ReconstructionShift {
  const { means, scales } = reference;
  const given = reference.columns.map((name, column) => {
    const values = columns.get(name);
    if (values === undefined) throw new RangeError(`live rows lack the feature ${name}`);
    return { name, values, mean: means[column], scale: scales[column] };
  });
  const nRows = given[0].values.length;
  const errors = liveErrors(given, nRows, Float64Array.from(reference.components));
  if (reference.errorCap !== null) capAt(errors, reference.errorCap);
  const meanError = mean(errors);
  const { ratio } =
    groups === undefined ? ALL_INDEPENDENT : independenceOf(errors, groups, reference.intraclass);
  const { errorStd, foldErrors } = reference;
  const stored = reference.nRows * reference.independentRatio;
  const nIndependent = nRows * ratio;
  const nFolds = foldErrors.length;
  const between = Math.max(0, variance(foldErrors, 1) - (nFolds * errorStd ** 2) / stored);
  const spread = between * (1 + 1 / nFolds) + errorStd ** 2 * (1 / nIndependent + 1 / stored);
  const difference = meanError - reference.meanError;
  const t = Math.min(Number.MAX_VALUE, Math.abs(difference) / Math.sqrt(spread));
  return {
    n: nRows,
    meanError,
    effect: difference / errorStd,
    nIndependent,
    pValue: Math.min(1, 2 * studentTail(t, nFolds - 1)),
  };
}

/** Writes `errors`. */
function capAt(errors: Float64Array, cap: number): void {
  for (let row = 0; row < errors.length; row++) if (errors[row] > cap) errors[row] = cap;
}

/** Rows in the order of time; of many an even sample. */
function sampledRows(nRows: number, nColumns: number, times: ArrayLike<number> | undefined): Int32Array {
  const order = Int32Array.from({ length: nRows }, (_, row) => row);
  if (times !== undefined) order.sort((a, b) => times[a] - times[b] || a - b);
  const most = Math.floor(MAX_CELLS / Math.max(1, nColumns));
  if (nRows <= most) return order;
  return Int32Array.from({ length: most }, (_, i) => order[Math.floor(((i + 0.5) * nRows) / most)]);
}

/** Row-major (rows × columns), missing = 0. */
function standardised(columns: readonly ReconstructionColumn[], rows: Int32Array): Float64Array {
  const nColumns = columns.length;
  const table = new Float64Array(rows.length * nColumns);
  columns.forEach(({ values, mean: centre, scale }, column) => {
    for (let i = 0; i < rows.length; i++) {
      const value = values[rows[i]];
      if (value === value) table[i * nColumns + column] = (value - centre) / scale;
    }
  });
  return table;
}

/** Rows begin … end of the table and their sums: of values, and of products below and on the diagonal. */
interface FoldSums {
  readonly begin: number;
  readonly end: number;
  readonly sums: Float64Array;
  readonly products: Float64Array;
}

function foldSums(table: Float64Array, nColumns: number): FoldSums[] {
  const nRows = table.length / nColumns;
  return Array.from({ length: N_FOLDS }, (_, fold) => {
    const begin = Math.floor((fold * nRows) / N_FOLDS);
    const end = Math.floor(((fold + 1) * nRows) / N_FOLDS);
    const sums = new Float64Array(nColumns);
    const products = new Float64Array(nColumns * nColumns);
    for (let at = begin * nColumns; at < end * nColumns; at += nColumns) {
      for (let a = 0; a < nColumns; a++) {
        const value = table[at + a];
        sums[a] += value;
        for (let b = 0; b <= a; b++) products[a * nColumns + b] += value * table[at + b];
      }
    }
    return { begin, end, sums, products };
  });
}

function addUp(folds: readonly FoldSums[]): Pick<FoldSums, "sums" | "products"> & { nRows: number } {
  const [first] = folds;
  const sums = new Float64Array(first.sums.length);
  const products = new Float64Array(first.products.length);
  let nRows = 0;
  for (const fold of folds) {
    for (let i = 0; i < sums.length; i++) sums[i] += fold.sums[i];
    for (let i = 0; i < products.length; i++) products[i] += fold.products[i];
    nRows += fold.end - fold.begin;
  }
  return { sums, products, nRows };
}

/** Components of the covariances: as many as asked for, or as hold the wanted share of the variance. */
function componentsOf(
  { sums, products, nRows }: ReturnType<typeof addUp>,
  nColumns: number,
  wanted?: number,
): { components: Float64Array; nComponents: number; explainedShare: number } {
  const covariances = new Float64Array(nColumns * nColumns);
  for (let a = 0; a < nColumns; a++) {
    for (let b = 0; b <= a; b++) {
      const value = products[a * nColumns + b] / nRows - (sums[a] / nRows) * (sums[b] / nRows);
      covariances[a * nColumns + b] = value;
      covariances[b * nColumns + a] = value;
    }
  }
  const { values, vectors } = decomposeByReduction(covariances, nColumns);
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  let nComponents = 0;
  let held = 0;
  while (
    nComponents < nColumns - 1 &&
    (wanted === undefined ? held < EXPLAINED_SHARE * total : nComponents < wanted)
  ) {
    held += Math.max(0, values[nComponents]);
    nComponents++;
  }
  const components = new Float64Array(nComponents * nColumns);
  for (let k = 0; k < nComponents; k++) {
    for (let column = 0; column < nColumns; column++) {
      components[k * nColumns + column] = vectors[column * nColumns + k];
    }
  }
  return { components, nComponents, explainedShare: total === 0 ? 0 : held / total };
}

function sampleIndependence(
  errors: Float64Array,
  rows: Int32Array,
  groups: RowGroups | undefined,
): Independence {
  if (groups === undefined) return ALL_INDEPENDENT;
  return independenceOf(errors, {
    ids: groups.ids,
    codes: Int32Array.from(rows, (row) => groups.codes[row]),
  });
}

function liveErrors(
  columns: readonly ReconstructionColumn[],
  nRows: number,
  components: Float64Array,
): Float64Array {
  const nColumns = columns.length;
  const errors = new Float64Array(nRows);
  const block = new Float64Array(BLOCK_ROWS * nColumns);
  for (let begin = 0; begin < nRows; begin += BLOCK_ROWS) {
    const n = Math.min(BLOCK_ROWS, nRows - begin);
    columns.forEach(({ values, mean: centre, scale }, column) => {
      for (let i = 0; i < n; i++) {
        const value = values[begin + i];
        block[i * nColumns + column] = value === value ? (value - centre) / scale : 0;
      }
    });
    errorsOf({ data: block.subarray(0, n * nColumns), nColumns, components }, (row, error) => {
      errors[begin + row] = error;
    });
  }
  return errors;
}

/** Length of what the components lose of each row. Four components at a time share the reading of the row. */
function errorsOf(
  table: { readonly data: Float64Array; readonly nColumns: number; readonly components: Float64Array },
  give: (row: number, error: number) => void,
): void {
  const { data, nColumns, components } = table;
  for (let row = 0, at = 0; at < data.length; row++, at += nColumns) {
    let lost = 0;
    for (let i = 0; i < nColumns; i++) lost += data[at + i] * data[at + i];
    const whole = lost;
    let k = 0;
    for (; k + 4 * nColumns <= components.length; k += 4 * nColumns) {
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let i = 0; i < nColumns; i++) {
        const value = data[at + i];
        a += value * components[k + i];
        b += value * components[k + nColumns + i];
        c += value * components[k + 2 * nColumns + i];
        d += value * components[k + 3 * nColumns + i];
      }
      lost -= a * a + b * b + c * c + d * d;
    }
    for (; k < components.length; k += nColumns) {
      let a = 0;
      for (let i = 0; i < nColumns; i++) a += data[at + i] * components[k + i];
      lost -= a * a;
    }
    // Rounding may leave a hair below 0; a row too large for its square is as far off as can be said.
    give(row, whole < Infinity ? Math.sqrt(Math.max(0, lost)) : Number.MAX_VALUE / data.length);
  }
}
