import { createGenerator } from "../../numerics/random/generator.ts";
import type { Boundary } from "./boundaries.ts";
import type { PartName } from "./faulty-platform.ts";

/** One `kill -9`. */
export interface Kill {
  readonly part: PartName;
  /** A boundary by name, or milliseconds since the start of the run. */
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
  /** First seed; another one meets each boundary with another part. */
  readonly from: number;
  readonly parts: readonly PartName[];
}

/** More kills in one run would only repeat the same waits. */
const MOST_BOUNDARIES_PER_CASE = 6;
const MOST_DELAY_MS = 40;

/**
 * Deals the boundaries of an undisturbed run to the seeds, so that 20 seeds together meet each one once, parts in
 * turn; each case has one kill at a random instant besides. The same options give the same schedule.
 */
export function makeSchedule(
  boundaries: readonly Boundary[],
  options: ScheduleOptions,
): readonly FaultCase[] {
  const { seeds, from, parts } = options;
  const names = createGenerator("boundaries").shuffle(boundaries.map(({ name }) => name));
  const lastMs = boundaries.at(-1)?.atMs ?? 0;
  const perCase = Math.min(MOST_BOUNDARIES_PER_CASE, Math.ceil(names.length / seeds));
  return Array.from({ length: seeds }, (_, i) => {
    const seed = from + i;
    const random = createGenerator(seed);
    const first = (i * perCase) % Math.max(1, names.length);
    const dealt = names.slice(first, first + perCase).map((boundary, k) => ({
      part: partAt(parts, first + k + from),
      at: { boundary },
      delayMs: random.integer(MOST_DELAY_MS),
    }));
    const anywhere = { ms: Math.floor(random.next() * lastMs) };
    return { seed, kills: [...dealt, { part: partAt(parts, seed), at: anywhere, delayMs: 0 }] };
  });
}

function partAt(parts: readonly PartName[], index: number): PartName {
  const part = parts[index % parts.length];
  if (part === undefined) throw new RangeError("schedule: expected at least one part");
  return part;
}

export function describeKill({ part, at, delayMs }: Kill): string {
  return "ms" in at ? `${part} @${at.ms} ms` : `${part} @${at.boundary}+${delayMs} ms`;
}
