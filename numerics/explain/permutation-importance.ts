/**
 * What a model loses when it is misled about a feature: the rise of its loss when the feature's values are dealt to
 * other groups.
 *
 * Rows of one asset are alike. Shuffling rows would mostly exchange values within an asset and break up series that
 * never vary that fast; here whole assets exchange their series: asset a takes the values of asset π(a), its rows in
 * their order, stretched to its own length. Where every row is its own group this is the usual permutation.
 *
 * Several columns may be dealt together, as all features made of one sensor: dealt one by one each can be replaced by
 * the others, and none seems to matter.
 *
 * Source: Breiman 2001 (doi:10.1023/A:1010933404324); Fisher, Rudin & Dominici 2019 (arXiv:1801.01489).
 */
import type { Matrix } from "../matrix.ts";
import { createGenerator } from "../random/generator.ts";
import { indexGroups } from "../splits/groups.ts";

/** Columns that are dealt together, and what people call them. */
export interface DealtColumns {
  readonly name: string;
  readonly columns: readonly number[];
}

export interface ImportanceRow {
  readonly name: string;
  /** Mean rise of the loss over the deals; below 0 where the model does better without. */
  readonly rise: number;
  /** Standard deviation over the deals. */
  readonly deviation: number;
}

/**
 * @param given.matrix  rows that the loss is of, in time order within each group
 * @param given.groups  group of each row, e.g. its asset
 * @param given.lossOf  loss of the model on as many rows as the matrix has; lower is better
 * @param given.nDeals  permutations, ≥ 1
 * @returns one row per unit, largest rise first, then by name
 *
 * Deterministic for a seed; a unit's deals do not depend on the other units. Cost: units · nDeals losses.
 */
export function permutationImportance(given: {
  readonly matrix: Matrix;
  readonly groups: ArrayLike<number>;
  readonly units: readonly DealtColumns[];
  readonly lossOf: (matrix: Matrix) => number;
  readonly nDeals: number;
  readonly seed: number | string;
}): ImportanceRow[] {
  const { matrix, groups, units, lossOf, nDeals, seed } = given;
  const base = lossOf(matrix);
  const deals = Array.from({ length: nDeals }, (_, deal) => dealRows(groups, `${seed}/${deal}`));
  const data = Float64Array.from(matrix.data);
  const rows = units.map(({ name, columns }) => {
    const rises = deals.map((donors) => {
      copyColumns(matrix, columns, { data, donors });
      return lossOf({ ...matrix, data }) - base;
    });
    copyColumns(matrix, columns, { data, donors: null });
    const rise = rises.reduce((sum, value) => sum + value, 0) / nDeals;
    const variance = rises.reduce((sum, value) => sum + (value - rise) ** 2, 0) / nDeals;
    return { name, rise, deviation: Math.sqrt(variance) };
  });
  return rows.sort((a, b) => b.rise - a.rise || (a.name < b.name ? -1 : 1));
}

/** The row that each row takes its values from. */
export function dealRows(groups: ArrayLike<number>, seed: string): Int32Array {
  const { ids, codes } = indexGroups(groups);
  const members: number[][] = ids.map(() => []);
  codes.forEach((code, row) => members[code].push(row));
  const order = createGenerator(`deal/${seed}`).shuffle(Int32Array.from(ids.keys()));
  const donors = new Int32Array(codes.length);
  members.forEach((rows, code) => {
    const from = members[order[code]];
    rows.forEach((row, place) => (donors[row] = from[Math.floor((place * from.length) / rows.length)]));
  });
  return donors;
}

/** Writes the columns as the donors have them; null: as they are. */
function copyColumns(
  { data: original, nRows, nColumns }: Matrix,
  columns: readonly number[],
  { data, donors }: { readonly data: Float64Array; readonly donors: Int32Array | null },
): void {
  for (let row = 0; row < nRows; row++) {
    const from = donors === null ? row : donors[row];
    for (const column of columns) data[row * nColumns + column] = original[from * nColumns + column];
  }
}
