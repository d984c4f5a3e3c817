import type { RunTrialResult } from "../../activities/search/messages.ts";
import type { SearchTally } from "./messages.ts";

export const EMPTY_TALLY: SearchTally = { complete: 0, pruned: 0, failed: 0, best: null, isReused: true };

/** Counts one generation, whose first trial has number `first`. */
export function addTrials(tally: SearchTally, first: number, trials: readonly RunTrialResult[]): SearchTally {
  const count = (state: RunTrialResult["state"]) => trials.filter((trial) => trial.state === state).length;
  let { best } = tally;
  for (const [i, { state, loss, value }] of trials.entries()) {
    if (state !== "complete" || loss === null || value === undefined) continue;
    if (best === null || loss < best.loss) best = { number: first + i, loss, value };
  }
  return {
    complete: tally.complete + count("complete"),
    pruned: tally.pruned + count("pruned"),
    failed: tally.failed + count("failed"),
    best,
    isReused: tally.isReused && trials.every((trial) => trial.isReused),
  };
}
