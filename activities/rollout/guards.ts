import { stabilityIndex } from "../../numerics/drift/statistics/psi.ts";
import { ksTwoSample } from "../../numerics/drift/statistics/kolmogorov-smirnov.ts";
import { binomialTail } from "../../numerics/rollout/binomial-tail.ts";
import { chiSquareTail } from "../../numerics/stats/chi-square.ts";
import { standardDeviation } from "../../numerics/stats/moments.ts";
import { quantileSorted } from "../../numerics/stats/quantile.ts";
import type { RolloutGuards } from "../../schemas/pipeline/rollout.ts";
import { latencyOfBin, nErrors } from "../../schemas/serving/rollout.ts";
import type { PairSample, RolloutCounts } from "../../schemas/serving/rollout.ts";

export type GuardName =
  | "non_finite"
  | "error_rate"
  | "latency"
  | "score_shift"
  | "disagreement"
  | "quality"
  | "champion_changed"
  | "too_few_answers"
  | "promotion"
  | "workflow"
  | "load";

/** Why a rollout is rolled back. */
export interface Breach {
  readonly guard: GuardName;
  /** One sentence for people, with the figures. */
  readonly reason: string;
  readonly details: Readonly<Record<string, number | string>>;
}

/** What was counted in a stage, or in its last minute. */
export interface Counted {
  readonly mode: "shadow" | "canary";
  readonly counts: RolloutCounts;
  /** Absent for a part of a stage. */
  readonly sample?: PairSample;
}

type Judge = (counted: Counted, guards: RolloutGuards) => Breach | undefined;

const N_BINS = 10;
/** Where latencies are compared. */
const PLACES = [
  ["median", 0.5],
  ["95th percentile", 0.95],
] as const;

/**
 * The first guard that trips; undefined: none does.
 *
 * Every guard asks for an effect and, where chance plays a part, for a probability below `significance`, so that a
 * rollout of thousands of looks does not end by chance: with nothing wrong, the effect itself is far away.
 */
export function judge(counted: Counted, guards: RolloutGuards): Breach | undefined {
  for (const look of JUDGES) {
    const breach = look(counted, guards);
    if (breach !== undefined) return breach;
  }
  return undefined;
}

/** A number that is none is a defect and no matter of chance. */
const nonFinite: Judge = ({ counts: { candidate } }, { nonFinite: guard }) => {
  if (guard === false) return undefined;
  const { "*": n = 0, ...byValue } = candidate.nonFinite;
  if (n <= guard.max) return undefined;
  const all = Object.entries(byValue).filter(([, count]) => count === n);
  const where = all.length === 0 ? "" : `, all of them with ${all.map(([name]) => name).join(", ")}`;
  return {
    guard: "non_finite",
    reason: `the new version answered NaN or Infinity to ${n} of ${candidate.requests} requests${where}`,
    details: { nonFinite: n, requests: candidate.requests, ...Object.fromEntries(all) },
  };
};

/** P(K ≥ errors | n requests, p₀) with p₀ = max(errorRate.max, the champion's share). */
const errorRate: Judge = ({ counts }, { errorRate: guard, significance }) => {
  const { candidate, champion } = counts;
  if (guard === false || candidate.requests === 0) return undefined;
  const errors = nErrors(candidate);
  const own = champion.requests === 0 ? 0 : nErrors(champion) / champion.requests;
  const borne = Math.min(1, Math.max(guard.max, own));
  const share = errors / candidate.requests;
  if (share <= borne || binomialTail(errors, candidate.requests, borne) >= significance) return undefined;
  const codes = Object.entries(candidate.errors).toSorted(([, a], [, b]) => b - a);
  return {
    guard: "error_rate",
    reason: `the new version failed ${errors} of ${candidate.requests} requests (${percent(share)}, borne ${percent(borne)}), mostly ${codes[0]?.[0]}`,
    details: { errors, requests: candidate.requests, borne },
  };
};

/**
 * How many answers take longer than l = max(ratio · Q, Q + minMs), Q the champion's quantile q in the same stage: as long as
 * the new version keeps below l, at most the share 1 − q. Of each look at both places: one that is slow throughout is seen at
 * the middle, whatever the champion's spread, and one that is slow at times at the tail.
 */
const latency: Judge = ({ counts, mode }, { latency: guard, minRows, significance }) => {
  const { candidate, champion } = counts;
  const n = sumOf(candidate.latency);
  if (guard === false || mode === "shadow" || n < minRows || sumOf(champion.latency) < minRows)
    return undefined;
  for (const [place, q] of PLACES) {
    const [own, championMs] = [quantile(candidate.latency, q), quantile(champion.latency, q)];
    const limitMs = Math.max(guard.ratio * championMs, championMs + guard.minMs);
    const slow = nSlower(candidate.latency, limitMs);
    if (slow <= n * (1 - q) || binomialTail(slow, n, 1 - q) >= significance) continue;
    return {
      guard: "latency",
      reason: `${slow} of ${n} answers of the new version took longer than ${short(limitMs)} ms (${place} ${short(own)} ms, the champion's ${short(championMs)} ms)`,
      details: { slow, n, limitMs, place, ownMs: own, championMs },
    };
  }
  return undefined;
};

/** Answers in bins that are wholly beyond it. */
function nSlower(bins: readonly number[], limitMs: number): number {
  return bins.reduce(
    (sum, count, bin) => (bin > 0 && latencyOfBin(bin - 1) >= limitMs ? sum + count : sum),
    0,
  );
}

/** Answers to one row that are no further apart are no shift, in standard deviations of the champion's answers. */
const NEAR = 0.1;

/**
 * PSI over the champion's tenths above its null mean, or the Kolmogorov–Smirnov distance, on pairs of answers. Most machines are
 * healthy and have nearly the same answer: that of another version is a hair away, and would put them all on its other side.
 */
const scoreShift: Judge = ({ sample = [] }, { scoreShift: guard, minRows, significance }) => {
  if (guard === false || sample.length < minRows) return undefined;
  const before = Float64Array.from(sample, ([champion]) => champion).sort();
  const near = NEAR * standardDeviation(before);
  const after = Float64Array.from(sample, ([champion, candidate]) =>
    Math.abs(candidate - champion) <= near ? champion : candidate,
  ).sort();
  const n = sample.length;
  const ks = ksTwoSample(before, after);
  const edges = edgesOf(before);
  const psi = stabilityIndex(countBins(before, edges), countBins(after, edges));
  const chance = edges.length === 0 ? 1 : chiSquareTail((psi.psi * n) / 2, edges.length);
  const isMoved = ks.statistic > guard.ks && ks.pValue < significance;
  const isSpread = psi.corrected > guard.psi && chance < significance;
  if (!isMoved && !isSpread) return undefined;
  return {
    guard: "score_shift",
    reason: `the answers of the new version are distributed otherwise: KS ${short(ks.statistic)} (borne ${guard.ks}), PSI ${short(psi.corrected)} (borne ${guard.psi}) on ${n} rows`,
    details: { ks: ks.statistic, p: ks.pValue, psi: psi.corrected, rows: n },
  };
};

const disagreement: Judge = ({ counts }, { disagreement: guard, minRows, significance }) => {
  const { pairs, different } = counts;
  if (guard === false || pairs < minRows) return undefined;
  const share = different / pairs;
  const isApart = share > guard.max && binomialTail(different, pairs, guard.max) < significance;
  const distance = counts.sumDifference / pairs / spreadOf(counts);
  if (!isApart && !(distance > guard.max)) return undefined;
  const what = isApart
    ? `differ on ${percent(share)} of ${pairs} rows (borne ${percent(guard.max)})`
    : `are ${short(distance)} standard deviations apart on average over ${pairs} rows (borne ${guard.max})`;
  return {
    guard: "disagreement",
    reason: `the new version and the champion ${what}`,
    details: { pairs, share, distance },
  };
};

/** A version that some process cannot load would answer in the others only. */
const load: Judge = ({ counts: { refused } }) => {
  const [first] = Object.entries(refused);
  if (first === undefined) return undefined;
  const [code, times] = first;
  return {
    guard: "load",
    reason: `the new version could not be brought into service [${code}]`,
    details: { code, times },
  };
};

const JUDGES: readonly Judge[] = [load, nonFinite, errorRate, latency, scoreShift, disagreement];

/** Standard deviation of the champion's answers; a hundredth of their mean where they hardly vary. */
function spreadOf({ pairs, sumChampion, sumSquares }: RolloutCounts): number {
  const mean = sumChampion / pairs;
  const variance = Math.max(0, sumSquares / pairs - mean * mean);
  return Math.max(Math.sqrt(variance), Math.abs(mean) / 100, 1e-9);
}

/** Within the bin that it lies in as if the answers there were spread evenly over the logarithm. */
function quantile(bins: readonly number[], q: number): number {
  const rank = sumOf(bins) * q;
  let below = 0;
  for (const [bin, count] of bins.entries()) {
    if (count > 0 && below + count >= rank) return latencyOfBin(bin - 1 + (rank - below) / count);
    below += count;
  }
  return latencyOfBin(0);
}

/** Inner edges of tenths; ties give fewer. */
function edgesOf(sorted: Float64Array): number[] {
  const all = Array.from({ length: N_BINS - 1 }, (_, i) => quantileSorted(sorted, (i + 1) / N_BINS));
  return [...new Set(all)];
}

function countBins(sorted: Float64Array, edges: readonly number[]): Float64Array {
  const counts = new Float64Array(edges.length + 1);
  let bin = 0;
  for (const value of sorted) {
    while (bin < edges.length && value > (edges[bin] ?? Infinity)) bin++;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
const short = (value: number): string => Number(value.toPrecision(3)).toString();
const percent = (share: number): string => `${short(share * 100)} %`;
