import { requireInRange, requireInteger } from "../stats/checked-array.ts";
import { indexGroups, seededOrder } from "./groups.ts";
import type { GroupId } from "./groups.ts";

/** Who is held out, and what binds the choice. */
export interface HoldoutOptions {
  /** of the units that are free to be chosen, in (0, 1) */
  readonly share: number;
  /** integer */
  readonly seed: number;
  /** class per unit: each gives its own share; omit to draw from all together */
  readonly classes?: ArrayLike<GroupId>;
  /** units that are held out whatever the share says */
  readonly kept?: ReadonlySet<GroupId>;
  /** units that are never newly held out: what once trained a model would judge it */
  readonly barred?: ReadonlySet<GroupId>;
}

/**
 * Choose the units (assets, or rows of a plain table) to hold out: the kept ones, and of those neither kept nor barred the
 * first round(share × n) of each class in seeded order.
 *
 * A class with two or more free units beside other classes has one held out at least: a rare one, such as the assets that
 * failed, is on both sides as soon as it can be.
 *
 * @param ids     distinct ids of all units
 * @param options see `HoldoutOptions`
 * @returns Uint8Array (units): 1 = held out
 * @throws {RangeError} when the share is out of range, or a side stays empty
 *
 * Depends on ids, classes and the seed, never on the order of the units; a grown fleet keeps the order it had.
 */
export function chooseHoldout(ids: readonly GroupId[], options: HoldoutOptions): Uint8Array {
  const { share, seed, classes, kept, barred } = options;
  requireInRange("share", share, [Number.MIN_VALUE, 1 - Number.EPSILON]);
  requireInteger("seed", seed, [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);
  const held = Uint8Array.from(ids, (id) => (kept?.has(id) === true ? 1 : 0));
  const free = Array.from(ids.keys()).filter((unit) => held[unit] === 0 && barred?.has(ids[unit]) !== true);
  const { codes, ids: found } = indexGroups(free.map((unit) => classes?.[unit] ?? 0));
  for (let c = 0; c < found.length; c++) {
    const members = free.filter((_, i) => codes[i] === c);
    const order = seededOrder(
      members.map((unit) => ids[unit]),
      seed,
    );
    const least = members.length > 1 && found.length > 1 ? 1 : 0;
    const nHeld = Math.max(least, Math.round(share * members.length));
    for (const place of order.subarray(0, nHeld)) held[members[place]] = 1;
  }
  const nHeld = held.reduce((sum, one) => sum + one, 0);
  if (nHeld === 0 || nHeld === ids.length)
    throw new RangeError(`a holdout needs units on both sides, got ${nHeld} held out of ${ids.length}`);
  return held;
}
