import type { RolloutGuards } from "../../schemas/pipeline/rollout.ts";
import { combine, emptyCounts, sumCounts } from "../../schemas/serving/rollout.ts";
import type { PairSample, RolloutCounts } from "../../schemas/serving/rollout.ts";
import type { RolloutRow } from "../../stores/postgres/port.ts";
import type { RolloutStats } from "../../stores/postgres/port/rollouts.ts";
import { judge } from "./guards.ts";
import type { Breach } from "./guards.ts";

/** The last so many milliseconds of a stage are judged by themselves: a long stage must not hide what breaks late. */
const RECENT_MS = 60_000;

/** All that was counted in a stage. */
export interface StageCounts {
  readonly counts: RolloutCounts;
  readonly sample: PairSample;
}

export function stageCounts(stats: readonly RolloutStats[]): StageCounts {
  return {
    counts: sumCounts(stats.map(({ counts }) => counts)),
    sample: stats.flatMap(({ sample }) => sample),
  };
}

/** Answers that count for `minRows`: what the new version answered; in shadow, what both did. */
export function nAnswered(mode: RolloutRow["mode"], { counts }: StageCounts): number {
  return mode === "shadow" ? counts.pairs : counts.candidate.rows;
}

/** A champion that is another one now: what was compared says nothing any more. */
export function championBreach(row: RolloutRow): Breach | undefined {
  const { championNow, championDigest, digest, championVersion } = row;
  if (championNow === championDigest || championNow === digest) return undefined;
  return {
    guard: "champion_changed",
    reason: `version ${championVersion} is not the champion any more: the rollout compared with it`,
    details: { championNow: championNow ?? "none" },
  };
}

/** Judges a stage as a whole and its last minute, from looks that follow each other. */
export class StageWatch {
  readonly #guards: RolloutGuards;
  readonly #mode: RolloutRow["mode"];
  /** Totals as they were at earlier looks, oldest first. */
  readonly #looks: { readonly atMs: number; readonly counts: RolloutCounts }[] = [];

  constructor(guards: RolloutGuards, mode: RolloutRow["mode"]) {
    this.#guards = guards;
    this.#mode = mode;
  }

  look({ counts, sample }: StageCounts, nowMs: number): Breach | undefined {
    const guards = this.#guards;
    const mode = this.#mode;
    const whole = judge({ mode, counts, sample }, guards);
    if (whole !== undefined) return whole;
    while ((this.#looks[1]?.atMs ?? Infinity) <= nowMs - RECENT_MS) this.#looks.shift();
    const before = this.#looks[0]?.counts;
    this.#looks.push({ atMs: nowMs, counts });
    // The first look knows no earlier one: it has judged the whole.
    return before === undefined ? undefined : judge({ mode, counts: since(counts, before) }, guards);
  }
}

/** What was counted since; a process that is gone and forgotten would count below zero. */
function since(now: RolloutCounts, before: RolloutCounts): RolloutCounts {
  const difference = combine(now, before, -1);
  return difference.candidate.requests < 0 || difference.pairs < 0 ? emptyCounts() : difference;
}
