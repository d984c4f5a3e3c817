import type { TrialView } from "../../schemas/runs/trial.ts";

/** Complete ones first, each by its loss. */
export function bestFirst(trials: readonly TrialView[]): TrialView[] {
  const rank = ({ state }: TrialView) => ["complete", "pruned", "failed"].indexOf(state);
  return trials.toSorted((a, b) => rank(a) - rank(b) || (a.loss ?? 0) - (b.loss ?? 0) || a.number - b.number);
}
