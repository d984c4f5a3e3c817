import { z } from "zod";

/** What of a rollout's two versions one serving process has counted since the stage began: absolute numbers. */

/** Upper ends of the latency bins in milliseconds: 0.05 · 1.1^i, 12 seconds at the last. */
export const N_LATENCY_BINS = 131;
const FIRST_MS = 0.05;
const GROWTH = 1.1;

/** Bin of a latency; beyond the last it is the last. */
export function latencyBin(ms: number): number {
  if (!(ms > FIRST_MS)) return 0;
  return Math.min(N_LATENCY_BINS - 1, Math.ceil(Math.log(ms / FIRST_MS) / Math.log(GROWTH)));
}

/** Upper end of a bin in milliseconds. */
export function latencyOfBin(bin: number): number {
  return FIRST_MS * GROWTH ** bin;
}

const counts = z.array(z.int().min(0)).max(N_LATENCY_BINS);

export const sideCountsSchema = z.strictObject({
  /** Requests it was asked to answer, in this stage's mode. */
  requests: z.int().min(0),
  rows: z.int().min(0),
  /** Requests without an answer, by error code. */
  errors: z.record(z.string(), z.int()),
  /** Of those: NaN or Infinity, by `input=value` of the categories in the row; `*` counts requests. */
  nonFinite: z.record(z.string(), z.int()),
  /** Requests by `latencyBin`. */
  latency: counts,
});
export type SideCounts = z.infer<typeof sideCountsSchema>;

export const rolloutCountsSchema = z.strictObject({
  candidate: sideCountsSchema,
  champion: sideCountsSchema,
  /** Rows that both versions answered. */
  pairs: z.int().min(0),
  /** Of those: how many classes differ. */
  different: z.int().min(0),
  /** Of numbers: Σ|candidate − champion|, Σ champion, Σ champion². */
  sumDifference: z.number(),
  sumChampion: z.number(),
  sumSquares: z.number(),
  /** Requests not compared: too busy, or another feature view whose inputs were not sent. */
  dropped: z.int().min(0),
  incomparable: z.int().min(0),
  /** Times that a process could not bring the version into service, by error code. */
  refused: z.record(z.string(), z.int()),
});
export type RolloutCounts = z.infer<typeof rolloutCountsSchema>;

/** An even sample of the pairs' headlines: `[champion, candidate]`. */
export const pairSampleSchema = z.array(z.tuple([z.number(), z.number()])).max(512);
export type PairSample = z.infer<typeof pairSampleSchema>;

export function emptySide(): SideCounts {
  return { requests: 0, rows: 0, errors: {}, nonFinite: {}, latency: [] };
}

export function emptyCounts(): RolloutCounts {
  return {
    candidate: emptySide(),
    champion: emptySide(),
    pairs: 0,
    different: 0,
    sumDifference: 0,
    sumChampion: 0,
    sumSquares: 0,
    dropped: 0,
    incomparable: 0,
    refused: {},
  };
}

/** What all processes counted together. */
export function sumCounts(all: readonly RolloutCounts[]): RolloutCounts {
  return all.reduce((sum, one) => combine(sum, one), emptyCounts());
}

/** a + sign · b, member by member. */
export function combine(a: RolloutCounts, b: RolloutCounts, sign: 1 | -1 = 1): RolloutCounts {
  const numbers = (name: NumberMember): number => a[name] + sign * b[name];
  return {
    candidate: combineSides(a.candidate, b.candidate, sign),
    champion: combineSides(a.champion, b.champion, sign),
    pairs: numbers("pairs"),
    different: numbers("different"),
    sumDifference: numbers("sumDifference"),
    sumChampion: numbers("sumChampion"),
    sumSquares: numbers("sumSquares"),
    dropped: numbers("dropped"),
    incomparable: numbers("incomparable"),
    refused: combineMaps(a.refused, b.refused, sign),
  };
}

type NumberMember = Exclude<keyof RolloutCounts, "candidate" | "champion" | "refused">;

function combineSides(a: SideCounts, b: SideCounts, sign: 1 | -1): SideCounts {
  const length = Math.max(a.latency.length, b.latency.length);
  return {
    requests: a.requests + sign * b.requests,
    rows: a.rows + sign * b.rows,
    errors: combineMaps(a.errors, b.errors, sign),
    nonFinite: combineMaps(a.nonFinite, b.nonFinite, sign),
    latency: Array.from({ length }, (_, i) => (a.latency[i] ?? 0) + sign * (b.latency[i] ?? 0)),
  };
}

function combineMaps(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
  sign: 1 | -1,
): Record<string, number> {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  const all = [...names].map((name) => [name, (a[name] ?? 0) + sign * (b[name] ?? 0)] as const);
  return Object.fromEntries(all.filter(([, n]) => n !== 0));
}

export function nErrors({ errors }: Pick<SideCounts, "errors">): number {
  return Object.values(errors).reduce((sum, n) => sum + n, 0);
}
