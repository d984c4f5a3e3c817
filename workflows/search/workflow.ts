import { continueAsNew, workflowInfo } from "@temporalio/workflow";
import { runs, search } from "../activity-proxies.ts";
import { show } from "../visibility.ts";
import type { SearchInput, SearchResult, SearchTally } from "./messages.ts";
import { addTrials, EMPTY_TALLY } from "./tally.ts";

/**
 * The search of one candidate: generation after generation of trials, until the budget is used up.
 *
 * The trials of a generation start together and run as far as workers allow; the next generation starts when all of
 * them have ended, so that a proposal depends on the seed and on earlier generations and on nothing else. A budget in
 * time ends the search between two generations: which trials there are stays the same, how many does not.
 *
 * **Messages**: none. **Continue-as-new**: when the server suggests it, with the tally; results are rows in
 * PostgreSQL. **Versioning**: patched(), with a complete history under tests/replay.
 */
export async function searchWorkflow(input: SearchInput): Promise<SearchResult> {
  const { runId, plan, trials, timeMs, generation, candidate } = input;
  show({ pipeline: input.pipeline, model: input.model, stage: "search" });
  const startedMs = input.startedMs ?? Date.now();
  let tally = input.tally ?? EMPTY_TALLY;
  let next = input.next ?? 0;
  while (next < trials && !(next > 0 && isOver(startedMs, timeMs))) {
    const first = next;
    const width = Math.min(generation, trials - first);
    const results = await Promise.all(
      Array.from({ length: width }, (_, i) => search.runTrial({ runId, plan, number: first + i })),
    );
    next = first + width;
    tally = addTrials(tally, first, results);
    await tellProgress(input, tally, next);
    if (next < trials && workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof searchWorkflow>({ ...input, next, startedMs, tally });
    }
  }
  return { candidate, ...tally };
}

function isOver(startedMs: number, timeMs: number | null): boolean {
  return timeMs !== null && Date.now() - startedMs >= timeMs;
}

/** In the Temporal UI and in the run's own row. */
async function tellProgress(input: SearchInput, tally: SearchTally, nDone: number): Promise<void> {
  const { runId, candidate, metric, trials, timeMs } = input;
  const { complete, pruned, failed, best } = tally;
  const of = timeMs === null ? ` of ${trials}` : "";
  const bestText = best === null ? "none complete" : `best ${metric} ${Number(best.value.toPrecision(4))}`;
  const detail = `${candidate}: ${nDone}${of} trials, ${bestText}`;
  show({}, `${detail}\n\n- complete: ${complete}\n- pruned: ${pruned}\n- failed: ${failed}`);
  const progress = timeMs === null ? { progress: nDone / trials } : {};
  await runs.recordStage({ runId, stage: "train", state: "running", detail, ...progress });
}
