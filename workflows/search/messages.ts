import type { PlanSearchResult } from "../../activities/search/messages.ts";

/** Input of `searchWorkflow`; what stands behind `next` is set when it continues as new. */
export interface SearchInput extends PlanSearchResult {
  readonly runId: string;
  readonly pipeline: string;
  readonly model: string;
  /** Number of the next trial; 0 when absent. */
  readonly next?: number;
  readonly startedMs?: number;
  readonly tally?: SearchTally;
}

export interface SearchTally {
  readonly complete: number;
  readonly pruned: number;
  readonly failed: number;
  readonly best: { readonly number: number; readonly loss: number; readonly value: number } | null;
  /** Whether another run had made every trial. */
  readonly isReused: boolean;
}

export interface SearchResult extends SearchTally {
  readonly candidate: string;
}
