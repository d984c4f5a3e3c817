/**
 * One machine under two ids: its rows in training give away its rows in the holdout, or in the fold that validates.
 *
 * Every row is hashed (bits of its sensor values, nothing rounded); five consecutive row hashes make a shingle, so order
 * counts and a series that starts later still matches. Shared shingles are found through one hash map, and the share of an
 * asset that recurs is the longest run of common shingles in the same order (longest increasing subsequence).
 *
 * What says nothing is left out: a shingle of five equal rows (stuck, off, missing), one that repeats within its asset
 * (cycles, on/off patterns), and one found on more than 16 assets (a common start-up). Counters and time columns are not
 * sensors and must not be passed, they would hide every copy or match every asset.
 *
 *   rows      r0 r1 r2 r3 r4 r5 …        hash of sensor bits
 *   shingles  └──── s0 ────┘
 *                └──── s1 ────┘ …        hash of five row hashes
 *
 * Cost: O(rows · sensors + shared shingles), at most about one million shingles in memory: above that, only shingles whose
 * hash falls into a fixed share are kept, which keeps or drops the same shingle on every asset alike.
 */
import { requireInRange, requireInteger, requireSameLength } from "../stats/checked-array.ts";
import { joinLanes, mixLanes } from "../stats/string-hash.ts";
import { compareIds, indexGroups } from "../splits/groups.ts";
import type { GroupId } from "../splits/groups.ts";
import type { NamedColumn } from "./target-copy.ts";

/** The rows to search. Rows of an asset must be in time order. */
export interface AssetRows {
  readonly sensors: readonly NamedColumn[];
  /** asset id per row */
  readonly groups: ArrayLike<GroupId>;
}

export interface DuplicateOptions {
  /** share of the shorter asset that must recur, in (0, 1]; default 0.5 */
  readonly minOverlap?: number;
  /** common shingles needed, ≥ 1; default 10 */
  readonly minShared?: number;
}

/** Two ids with the same readings. */
export interface DuplicateAssets {
  /** the one whose rows come first */
  readonly first: GroupId;
  readonly second: GroupId;
  /** share of the telling shingles of the shorter asset that recur in order */
  readonly overlap: number;
  readonly sharedShingles: number;
}

const SHINGLE_ROWS = 5;
const MAX_ASSETS_PER_SHINGLE = 16;
const MAX_SHINGLES = 1_000_000;

/**
 * Find assets that appear under two ids. All pairs are looked at: which side or fold an asset is on changes from one
 * split to the next, its second id does not.
 *
 * @returns pairs with overlap ≥ `minOverlap`, largest first; empty when every asset is shorter than five rows
 * @throws {RangeError} when lengths differ or an option is out of range
 */
export function findDuplicateAssets(rows: AssetRows, options: DuplicateOptions = {}): DuplicateAssets[] {
  const { minOverlap = 0.5, minShared = 10 } = options;
  requireInRange("minOverlap", minOverlap, [Number.MIN_VALUE, 1]);
  requireInteger("minShared", minShared, [1, 2 ** 31 - 1]);
  for (const sensor of rows.sensors) requireSameLength([sensor.name, "groups"], sensor.values, rows.groups);
  const index = indexGroups(rows.groups);
  const series = assetSeries(rows, index);
  const shingles = series.map((asset) => shinglesOf(asset, samplingStep(rows.groups.length)));
  const found: DuplicateAssets[] = [];
  for (const { first, second, places } of sharedPairs(shingles)) {
    const shared = longestRise(places);
    const overlap = shared / Math.min(shingles[first].size, shingles[second].size);
    if (shared < minShared || overlap < minOverlap) continue;
    found.push({
      first: index.ids[series[first].group],
      second: index.ids[series[second].group],
      overlap,
      sharedShingles: shared,
    });
  }
  return found.sort(
    (a, b) => b.overlap - a.overlap || compareIds(a.first, b.first) || compareIds(a.second, b.second),
  );
}

/** The rows of one asset, as hashes in time order. */
interface Series {
  readonly group: number;
  readonly hashes: number[];
}

function assetSeries(rows: AssetRows, index: { codes: Int32Array }): Series[] {
  const byGroup = new Map<number, Series>();
  const hashRow = rowHasher(rows.sensors);
  for (let row = 0; row < index.codes.length; row++) {
    const group = index.codes[row];
    const series = byGroup.get(group) ?? { group, hashes: [] };
    byGroup.set(group, series);
    series.hashes.push(hashRow(row));
  }
  return [...byGroup.values()];
}

/** Hash of the bits of a row's sensor values; every NaN is one value, −0 is 0. */
function rowHasher(sensors: readonly NamedColumn[]): (row: number) => number {
  const value = new Float64Array(1);
  const words = new Uint32Array(value.buffer);
  return (row) => {
    let high = 0x9e3779b1;
    let low = 0x85ebca77;
    for (const sensor of sensors) {
      const reading = sensor.values[row];
      value[0] = Number.isNaN(reading) ? Number.NaN : reading + 0;
      high = Math.imul((high ^ words[0]) + words[1], 2654435761);
      low = Math.imul((low ^ words[1]) + (words[0] >>> 7), 1597334677);
      high ^= high >>> 15;
      low ^= low >>> 13;
    }
    return joinLanes(mixLanes(high, low), mixLanes(low, high));
  };
}

function samplingStep(nRows: number): number {
  return Math.max(1, Math.ceil(nRows / MAX_SHINGLES));
}

/** Telling shingles of a series: hash → position. */
function shinglesOf({ hashes }: Series, step: number): Map<number, number> {
  const places = new Map<number, number>();
  const repeated = new Set<number>();
  for (let start = 0; start + SHINGLE_ROWS <= hashes.length; start++) {
    const hash = shingleAt(hashes, start);
    if (hash === undefined || hash % step !== 0) continue;
    if (places.has(hash)) repeated.add(hash);
    places.set(hash, start);
  }
  for (const hash of repeated) places.delete(hash);
  return places;
}

function shingleAt(hashes: readonly number[], start: number): number | undefined {
  let high = 0;
  let low = 0x27d4eb2f;
  let isConstant = true;
  for (let i = start; i < start + SHINGLE_ROWS; i++) {
    const hash = hashes[i];
    isConstant &&= hash === hashes[start];
    high = Math.imul(high ^ Math.floor(hash / 0x1_0000_0000), 2246822507) ^ (low >>> 11);
    low = Math.imul(low ^ (hash % 0x1_0000_0000), 3266489909) ^ (high >>> 9);
  }
  return isConstant ? undefined : joinLanes(mixLanes(high, low), mixLanes(low, high));
}

interface SharedPair {
  readonly first: number;
  readonly second: number;
  /** positions in the second series, in the order of the first */
  readonly places: readonly number[];
}

function sharedPairs(shingles: readonly Map<number, number>[]): SharedPair[] {
  const ownersOf = new Map<number, number[]>();
  shingles.forEach((places, asset) => {
    for (const hash of places.keys()) {
      const owners = ownersOf.get(hash);
      if (owners) owners.push(asset);
      else ownersOf.set(hash, [asset]);
    }
  });
  const pairs = new Map<string, SharedPair & { places: number[] }>();
  shingles.forEach((places, first) => {
    for (const hash of places.keys()) {
      const owners = ownersOf.get(hash) ?? [];
      if (owners.length > MAX_ASSETS_PER_SHINGLE) continue;
      for (const second of owners) {
        if (second <= first) continue;
        const key = `${first}/${second}`;
        const pair = pairs.get(key) ?? { first, second, places: [] };
        pairs.set(key, pair);
        pair.places.push(shingles[second].get(hash) ?? 0);
      }
    }
  });
  return [...pairs.values()];
}

/** Length of the longest strictly rising subsequence (patience sorting). Cost: O(n log n). */
function longestRise(values: readonly number[]): number {
  const tails: number[] = [];
  for (const value of values) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (tails[middle] < value) low = middle + 1;
      else high = middle;
    }
    tails[low] = value;
  }
  return tails.length;
}
