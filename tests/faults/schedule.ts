import { createGenerator } from "../../numerics/random/generator.ts";
import type { Boundary } from "./boundaries.ts";
import type { PartName } from "./faulty-platform.ts";

/** One `kill -9`. */
export interface Kill {
  readonly part: PartName;
  /** A boundary by name, or milliseconds since the start of the life. */
  readonly at: { readonly boundary: string } | { readonly ms: number };
  /** Milliseconds after a boundary: effects lie between two boundaries, not on them. */
  readonly delayMs: number;
}

export interface FaultCase {
  readonly seed: number;
  readonly kills: readonly Kill[];
}

export interface ScheduleOptions {
  readonly seeds: number;
  /** First seed. */
  readonly from: number;
  readonly parts: readonly PartName[];
}

/** Seeds among which all pairs of a boundary and a part are dealt: each 20 seeds in a row meet each pair once. */
const SLOTS = 20;
const MOST_DELAY_MS = 40;

/**
 * Deals the pairs of an undisturbed life, so that 20 seeds in a row together meet each boundary with each part once;
 * each case has one kill at a random instant besides. The same options give the same schedule.
 *
 * Case `s` meets with part `q` the boundaries `b ≡ s − q·20/parts (mod 20)`: its kills are spread over the life, and
 * between two kills of one part lie those of the others, so that a part is back before its next turn. The steps of
 * the retraining's run are those of the first run: there each boundary meets one part, in turn.
 */
export function makeSchedule(
  boundaries: readonly Boundary[],
  options: ScheduleOptions,
): readonly FaultCase[] {
  const { seeds, from, parts } = options;
  const lastMs = boundaries.at(-1)?.atMs ?? 0;
  return Array.from({ length: seeds }, (_, i) => {
    const seed = from + i;
    const random = createGenerator(seed);
    const dealt = pairsOf(boundaries, parts)
      .filter(({ slot }) => slot === seed % SLOTS)
      .map(({ boundary, part }) => ({ part, at: { boundary }, delayMs: random.integer(MOST_DELAY_MS) }));
    const anywhere = { ms: Math.floor(random.next() * lastMs) };
    const part = parts[seed % parts.length] as PartName;
    return { seed, kills: [...dealt, { part, at: anywhere, delayMs: 0 }] };
  });
}

/** A boundary, the part that is killed at it, and the case, modulo 20, in which it is. */
export interface Pair {
  readonly boundary: string;
  readonly part: PartName;
  readonly slot: number;
}

/** Every pair that 20 seeds meet. */
export function pairsOf(boundaries: readonly Boundary[], parts: readonly PartName[]): readonly Pair[] {
  return boundaries.flatMap(({ name, phase }, b) =>
    parts.flatMap((part, q) => {
      // In turn by blocks of 20, as one case gets one boundary of each block.
      const isMet = phase !== "again" || Math.floor(b / SLOTS) % parts.length === q;
      return isMet
        ? [{ boundary: name, part, slot: (b + Math.round((q * SLOTS) / parts.length)) % SLOTS }]
        : [];
    }),
  );
}

/** The pairs that the cases of these seeds are dealt: all of them from 20 seeds on. */
export function dealtPairs(
  boundaries: readonly Boundary[],
  { seeds, from, parts }: ScheduleOptions,
): readonly Pair[] {
  const slots = new Set(Array.from({ length: seeds }, (_, i) => (from + i) % SLOTS));
  return pairsOf(boundaries, parts).filter(({ slot }) => slots.has(slot));
}

/** How a kill is called in reports: the key of its pair, where it has one. */
export function describeKill({ part, at, delayMs }: Kill): string {
  return "ms" in at ? `${part} @${at.ms} ms` : `${part} @${at.boundary}+${delayMs} ms`;
}
