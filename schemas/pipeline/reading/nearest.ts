import { editDistance } from "../../text/edit-distance.ts";

/**
 * The candidate a mistyped word most likely meant, or undefined when none is near.
 *
 * Near: equal but for case and `-`/`_`, or a Levenshtein distance of at most a third of the longer
 * word (at least 1, for words of two letters and more). Ties keep the first candidate. Cost: O(candidates × length²), with words cut at 64 characters.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const target = fold(word);
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const folded = fold(candidate);
    const distance = editDistance(target, folded);
    if (distance < bestDistance && distance <= furthest(target, folded)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `expected` text with the near word, e.g. `a known unit; did you mean kV?`. */
export function withSuggestion(expected: string, word: string, candidates: Iterable<string>): string {
  const near = nearest(word, candidates);
  return near === undefined ? expected : `${expected}; did you mean ${near}?`;
}

function furthest(a: string, b: string): number {
  const length = Math.max(a.length, b.length);
  return length < 2 ? 0 : Math.max(1, length / 3);
}

function fold(word: string): string {
  return word
    .slice(0, 64)
    .toLowerCase()
    .replaceAll(/[-_\s]/g, "");
}
