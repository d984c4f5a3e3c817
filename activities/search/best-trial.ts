import type { TrialView } from "../../schemas/runs/trial.ts";

/** The complete trial with the least loss, the first of equals. */
export function bestTrial(trials: readonly TrialView[]): TrialView | undefined {
  return trials
    .filter((trial) => trial.state === "complete" && trial.loss !== null)
    .sort((a, b) => (a.loss ?? Infinity) - (b.loss ?? Infinity) || a.number - b.number)[0];
}
