import { requireFinite, requireInRange } from "../stats/checked-array.ts";
import { compareIds } from "../splits/groups.ts";
import type { GroupId } from "../splits/groups.ts";

/** Assets found on both sides of a split. */
export interface AssetOverlap {
  /** by id */
  readonly shared: readonly GroupId[];
  readonly holdoutRows: number;
  /** held-out rows that belong to a shared asset */
  readonly affectedRows: number;
}

/**
 * Assets that are both trained on and held out. For a split by asset any is a leak; a split by time has them by design.
 *
 * @param train   asset per training row
 * @param holdout asset per held-out row
 *
 * Cost: O(n).
 */
export function findAssetOverlap(train: ArrayLike<GroupId>, holdout: ArrayLike<GroupId>): AssetOverlap {
  const trained = new Set<GroupId>();
  for (let row = 0; row < train.length; row++) trained.add(train[row]);
  const shared = new Set<GroupId>();
  let affectedRows = 0;
  for (let row = 0; row < holdout.length; row++) {
    if (!trained.has(holdout[row])) continue;
    shared.add(holdout[row]);
    affectedRows++;
  }
  return { shared: [...shared].sort(compareIds), holdoutRows: holdout.length, affectedRows };
}

/** Training rows too late for a split in time. */
export interface TimeOverlap {
  /** earliest held-out time; null without held-out rows */
  readonly holdoutStart: number | null;
  /** training rows at or after holdoutStart − gap */
  readonly lateRows: number;
  /** latest training time; null without training rows */
  readonly trainEnd: number | null;
}

/**
 * Training rows that reach into the held-out time or the gap before it. For a split by time any is a leak.
 *
 * @param train   finite time per training row
 * @param holdout finite time per held-out row, same unit
 * @param gap     time that must lie between, ≥ 0; default 0 (training must still end strictly before)
 * @throws {RangeError} when a time is not finite or the gap is negative
 */
export function findTimeOverlap(train: ArrayLike<number>, holdout: ArrayLike<number>, gap = 0): TimeOverlap {
  requireFinite("train", train);
  requireFinite("holdout", holdout);
  requireInRange("gap", gap, [0, Number.MAX_VALUE]);
  const start = extreme(holdout, Math.min);
  let lateRows = 0;
  for (let row = 0; row < train.length; row++) if (start !== null && train[row] >= start - gap) lateRows++;
  return { holdoutStart: start, lateRows, trainEnd: extreme(train, Math.max) };
}

function extreme(values: ArrayLike<number>, pick: (a: number, b: number) => number): number | null {
  if (values.length === 0) return null;
  let found = values[0];
  for (let i = 1; i < values.length; i++) found = pick(found, values[i]);
  return found;
}
