import { requireInteger } from "../stats/checked-array.ts";
import { indexGroups, seededOrder } from "./groups.ts";
import type { GroupId } from "./groups.ts";

/** What every k-fold split needs. */
export interface FoldOptions {
  /** number of folds, ≥ 2 and at most the number of groups (or rows of the rarest class, where stratified) */
  readonly nFolds: number;
  /** integer; another seed gives another split */
  readonly seed: number;
}

/**
 * Fold per row such that a group is never divided and folds hold about equally many rows.
 *
 * Groups are taken from large to small, equal sizes in seeded order, each into the fold with the fewest rows so far
 * (ties: fewest groups, then lowest fold). Depends on ids, sizes and seed only, never on the order of the rows.
 *
 * @param groups id per row
 * @returns Int32Array, fold 0…nFolds − 1 per row; no fold is empty
 * @throws {RangeError} when there are fewer groups than folds
 *
 * Cost: O(n + g (log g + k)).
 */
export function groupKFold(groups: ArrayLike<GroupId>, options: FoldOptions): Int32Array {
  const { ids, codes, sizes } = indexGroups(groups);
  requireFolds(options.nFolds, ids.length, "groups");
  const order = [...seededOrder(ids, options.seed)].sort((a, b) => sizes[b] - sizes[a]);
  const rowsIn = new Float64Array(options.nFolds);
  const groupsIn = new Float64Array(options.nFolds);
  const foldOf = new Int32Array(ids.length);
  for (const group of order) {
    let best = 0;
    for (let fold = 1; fold < options.nFolds; fold++) {
      const gap = rowsIn[fold] - rowsIn[best] || groupsIn[fold] - groupsIn[best];
      if (gap < 0) best = fold;
    }
    foldOf[group] = best;
    rowsIn[best] += sizes[group];
    groupsIn[best]++;
  }
  return codes.map((group) => foldOf[group]);
}

/**
 * Refuse a number of folds that cannot all be filled.
 *
 * @throws {RangeError} with the number of folds and what there is to divide
 */
export function requireFolds(nFolds: number, available: number, of: string): void {
  requireInteger("nFolds", nFolds, [2, 1000]);
  if (nFolds > available)
    throw new RangeError(`nFolds must be at most the ${available} ${of}, got ${nFolds}`);
}
