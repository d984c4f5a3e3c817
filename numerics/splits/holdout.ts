import { requireFinite, requireInRange } from "../stats/checked-array.ts";
import { quantile } from "../stats/quantile.ts";
import { requireFolds } from "./group-k-fold.ts";
import { indexGroups, seededOrder } from "./groups.ts";
import type { GroupId } from "./groups.ts";
import { partition } from "./row-sets.ts";
import type { RowSets } from "./row-sets.ts";

/**
 * Hold out a share of the groups (assets), never of their rows.
 *
 * The first round(fraction × nGroups) ids in seeded order are held out, at least one and at most all but one. Depends on
 * ids and seed only. A plain table without assets gives each row its own id.
 *
 * @param groups  id per row
 * @param options `fraction` of the groups in (0, 1); integer `seed`
 * @throws {RangeError} when fewer than two groups exist or the fraction is out of range
 */
export function holdoutByGroup(
  groups: ArrayLike<GroupId>,
  options: { readonly fraction: number; readonly seed: number },
): RowSets {
  requireInRange("fraction", options.fraction, [Number.MIN_VALUE, 1 - Number.EPSILON]);
  const { ids, codes } = indexGroups(groups);
  requireFolds(2, ids.length, "groups");
  const nHeld = Math.min(ids.length - 1, Math.max(1, Math.round(options.fraction * ids.length)));
  const isHeld = new Uint8Array(ids.length);
  for (const group of seededOrder(ids, options.seed).subarray(0, nHeld)) isHeld[group] = 1;
  return partition(codes.length, (row) => (isHeld[codes[row]] === 1 ? "holdout" : "train"));
}

/** Where the cut in time lies. Exactly one of `cut` and `fraction`. */
export interface TimeHoldout {
  /** first time that is held out, in the unit of the times */
  readonly cut?: number;
  /** share of the rows to hold out, in (0, 1); the cut is the (1 − fraction) quantile of the row times */
  readonly fraction?: number;
  /** time before the cut whose rows are dropped, ≥ 0; default 0 */
  readonly gap?: number;
}

/**
 * Hold out the latest rows: holdout has time ≥ cut, training has time < cut − gap, rows between are in neither.
 *
 * The gap must be at least the label horizon, else labels of the last training rows tell what happens after the cut.
 *
 * @param times finite time per row (epoch or cycle), any order
 * @returns the sets; equal times always fall on the same side
 * @throws {RangeError} when a side stays empty, a time is not finite, or cut and fraction are both given or both missing
 */
export function holdoutByTime(times: ArrayLike<number>, options: TimeHoldout): RowSets {
  requireFinite("times", times);
  const gap = options.gap ?? 0;
  requireInRange("gap", gap, [0, Number.MAX_VALUE]);
  const cut = cutTime(times, options);
  return partition(times.length, (row) => {
    if (times[row] >= cut) return "holdout";
    return times[row] < cut - gap ? "train" : "gap";
  });
}

function cutTime(times: ArrayLike<number>, options: TimeHoldout): number {
  const { cut, fraction } = options;
  if ((cut === undefined) === (fraction === undefined)) {
    throw new RangeError("a holdout by time needs either cut or fraction, got both or neither");
  }
  if (cut !== undefined) return cut;
  if (fraction === undefined) throw new RangeError("fraction is missing");
  requireInRange("fraction", fraction, [Number.MIN_VALUE, 1 - Number.EPSILON]);
  return quantile(times, 1 - fraction);
}
