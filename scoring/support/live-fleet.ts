import type { LiveEvent } from "../../features/event-filter.ts";
import { SHORTEST_STEP } from "../../features/support/random-series.ts";
import type { FollowedReading } from "../../stores/postgres/port/online.ts";

/** A reading of a random asset, with the number of the round in which it arrives. */
export type ArrivingReading = Omit<FollowedReading, "tx" | "committedAt"> & { readonly round: number };

export interface LiveAsset {
  readonly asset: string;
  /** In the order of their arrival, which is not that of their times. */
  readonly readings: readonly ArrivingReading[];
  readonly repairs: readonly LiveEvent[];
}

export const MODES = ["off", "on", "éteint"];
export const SOURCE_KEY = 7;

const HOUR = 3_600_000_000;
const LEVELS = [
  [0, 1],
  [1e6, 1e-3],
  [0.1, 0],
  [-40, 1e4],
  [1e9, 1e-5],
] as const;
/** By how much the level of x may change at once, in parts of its noise. */
const JUMP = 1e6;
const MOST_READINGS = 16;
/** Some are longer than any feature of windows looks back, and are rebuilt from their end. */
const LONG = { share: 0.04, least: 70, most: 150 } as const;
/** What devices send before they have a value. */
const SENTINEL = 2 ** 31 - 1;

/**
 * Random assets with what live series have: gaps, readings of one time, missing values, a sensor that fails for good (y), one that
 * begins with a value that is none (z; at times x), a level that jumps (x), late readings, lives that begin anew, repairs; a few are long. The same seed gives the
 * same fleet.
 */
export function liveFleet(nAssets: number, seed: number): LiveAsset[] {
  const random = mulberry32(seed);
  return Array.from({ length: nAssets }, (_, i) => liveAsset(`a${i}`, random));
}

function liveAsset(asset: string, random: () => number): LiveAsset {
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const [levelX, levelY] = [pick(LEVELS), pick(LEVELS)];
  const value = ([offset, noise]: readonly [number, number]): number | null =>
    random() < 0.12 ? null : offset + noise * Math.round((random() - 0.5) * 2_000) * 1e-3;
  const isLong = random() < LONG.share;
  const n = isLong
    ? LONG.least + Math.floor(random() * (LONG.most - LONG.least))
    : 1 + Math.floor(random() * MOST_READINGS);
  // A sensor that fails stays away; most never do.
  const failsAt = random() < 0.15 ? Math.floor(random() * n) : n;
  const lifeEndsAt = random() < 0.15 ? Math.floor(random() * n) : n;
  const jumpsAt = random() < 0.3 ? Math.floor(random() * n) : n;
  const beginsWithSentinel = random() < 0.3;
  const start = Math.floor(random() * 400_000) * HOUR;
  let ts = start;
  let seq = 0;
  const arriving = Array.from({ length: n }, (_, i) => {
    const passed = stepOf(random);
    seq = passed === 0 ? seq + 1 : 0;
    ts += passed;
    const x = value(levelX);
    const y = value(levelY);
    const mode = random() < 0.2 ? null : Math.floor(random() * MODES.length);
    return {
      place: i + (random() < 0.15 ? 1 + random() * 8 : 0),
      reading: {
        asset,
        sourceKey: SOURCE_KEY,
        epoch: i >= lifeEndsAt ? 1 : 0,
        ts,
        seq,
        values: [
          beginsWithSentinel && i === 0 ? SENTINEL : x === null || i < jumpsAt ? x : x + JUMP * levelX[1],
          i >= failsAt ? null : y,
          mode,
          i === 0 ? SENTINEL : value(LEVELS[0]),
        ],
      },
    };
  });
  let round = 0;
  const readings = arriving
    .toSorted((a, b) => a.place - b.place)
    .map(({ reading }) => ({ ...reading, round: random() < 0.5 ? round : ++round }));
  const repairs = Array.from({ length: Math.floor(random() * 4) }, () => ({
    t: start + Math.floor(random() * 60) * HOUR,
    values: { kind: random() < 0.5 ? "minor" : "major" },
  }));
  return { asset, readings, repairs };
}

/** Some at one time, most a while apart, sometimes a long gap. */
function stepOf(random: () => number): number {
  const kind = random();
  if (kind < 0.1) return 0;
  if (kind < 0.6) return SHORTEST_STEP + Math.floor(random() * HOUR);
  return kind < 0.9 ? HOUR : Math.floor(HOUR * (1 + random() * 200));
}

/** 32-bit generator by Tommy Ettinger; numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
