import { requireInteger } from "../stats/checked-array.ts";
import type { GroupId } from "./groups.ts";

/** Two sets of row indices, each ascending. Rows in neither are left out on purpose (a time gap). */
export interface RowSets {
  readonly train: Int32Array;
  readonly holdout: Int32Array;
}

/**
 * Rows of one fold against all others.
 *
 * @param folds fold per row, as the k-fold functions give; negative = in no fold
 * @param fold  the fold held out
 * @returns train (all other folds) and holdout (this fold), ascending
 * @throws {RangeError} when no row is in the fold
 */
export function foldRows(folds: Int32Array, fold: number): RowSets {
  requireInteger("fold", fold, [0, 2 ** 31 - 1]);
  return partition(folds.length, (row) =>
    folds[row] === fold ? "holdout" : folds[row] < 0 ? "none" : "train",
  );
}

/**
 * Rows by the set they were given to, for sources that come as separate train and test files.
 *
 * @param sets name of the set of each row; any other name leaves the row out
 * @throws {RangeError} when train or holdout stays empty
 */
export function givenSets(sets: ArrayLike<string>): RowSets {
  return partition(sets.length, (row) => sets[row]);
}

/**
 * Split rows by a rule.
 *
 * @param placeOf "train", "holdout", or anything else to leave the row out; called once per row, ascending
 * @throws {RangeError} when a set stays empty
 */
export function partition(nRows: number, placeOf: (row: number) => string): RowSets {
  const train: number[] = [];
  const holdout: number[] = [];
  for (let row = 0; row < nRows; row++) {
    const place = placeOf(row);
    if (place === "train") train.push(row);
    else if (place === "holdout") holdout.push(row);
  }
  if (train.length === 0 || holdout.length === 0) {
    throw new RangeError(
      `a split needs rows on both sides, got ${train.length} for training and ${holdout.length} held out of ${nRows}`,
    );
  }
  return { train: Int32Array.from(train), holdout: Int32Array.from(holdout) };
}

/**
 * Refuse sets that share a row, repeat one, or name one that does not exist.
 *
 * @param nRows rows in the table
 * @throws {RangeError} naming the first offending row
 *
 * Cost: O(nRows).
 */
export function assertDisjoint(sets: RowSets, nRows: number): void {
  const seen = new Uint8Array(nRows);
  for (const rows of [sets.train, sets.holdout]) {
    for (let i = 0; i < rows.length; i++) {
      requireInteger("row", rows[i], [0, nRows - 1]);
      if (seen[rows[i]] === 1) throw new RangeError(`row ${rows[i]} is in more than one set`);
      seen[rows[i]] = 1;
    }
  }
}

/**
 * Refuse sets that share a group.
 *
 * @param groups id per row of the table
 * @throws {RangeError} naming the first shared group
 */
export function assertGroupsDisjoint(sets: RowSets, groups: ArrayLike<GroupId>): void {
  const trained = new Set<GroupId>();
  for (let i = 0; i < sets.train.length; i++) trained.add(groups[sets.train[i]]);
  for (let i = 0; i < sets.holdout.length; i++) {
    const id = groups[sets.holdout[i]];
    if (trained.has(id)) throw new RangeError(`group ${String(id)} is both in training and held out`);
  }
}
