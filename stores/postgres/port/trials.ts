import type { TrialView } from "../../../schemas/runs/trial.ts";

/** Results of the searches of runs. */
export interface TrialStore {
  /** Idempotent on (run, candidate, number): the first result stays. */
  record(runId: string, trial: TrialView): Promise<void>;
  /** Of one candidate, or of all in the order of their names; by number. */
  list(runId: string, candidate?: string): Promise<TrialView[]>;
  /** Seconds by candidate from the start of its first trial to the end of its last. */
  wallSeconds(runId: string): Promise<ReadonlyMap<string, number>>;
}
