import { editDistance } from "./edit-distance.ts";

/**
 * The candidate nearest to a mistyped name: at most a third of its letters wrong (Levenshtein, ignoring case).
 *
 * @returns undefined when none is near
 */
export function similarName(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.floor(Math.max(3, name.length) / 3) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** The candidates in the order of their distance (Levenshtein, ignoring case), equal ones by name; `n` at most. */
export function nearestNames(name: string, candidates: readonly string[], n: number): string[] {
  return candidates
    .map((candidate) => ({
      candidate,
      distance: editDistance(name.toLowerCase(), candidate.toLowerCase()),
    }))
    .toSorted((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, n)
    .map(({ candidate }) => candidate);
}
