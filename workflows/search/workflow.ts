import { continueAsNew, patched, workflowInfo } from "@temporalio/workflow";
import type { RunTrialResult } from "../../activities/search/messages.ts";
import { runs, search } from "../activity-proxies.ts";
import { show } from "../visibility.ts";
import type { SearchInput, SearchResult, SearchTally } from "./messages.ts";
import { addTrials, EMPTY_TALLY } from "./tally.ts";

/**
 * The search of one candidate: trial after trial, until the budget is used up.
 *
 * Trial n starts when trials 0 … n − generation have ended, whose results it sees and no others: so many run at once, as
 * far as workers allow, and a proposal depends on the seed and on fixed results. A budget in time starts no more trials
 * when it is over: which trials there are stays the same, how many does not.
 *
 * **Messages**: none. **Continue-as-new**: when the server suggests it, with the tally, once what runs has ended; results
 * are rows in PostgreSQL. **Versioning**: patched(), with complete histories under tests/replay.
 */
export async function searchWorkflow(input: SearchInput): Promise<SearchResult> {
  show({ pipeline: input.pipeline, model: input.model, stage: "search" });
  const startedMs = input.startedMs ?? Date.now();
  // Since 0.1.0, before its release: until then all trials of a generation ended before the next one began.
  const advance = patched("search-sliding-window") ? runInWindow : runGeneration;
  let state: SearchState = { tally: input.tally ?? EMPTY_TALLY, next: input.next ?? 0 };
  while (mayStart(input, startedMs, state.next)) {
    state = await advance(input, startedMs, state);
    if (state.next < input.trials && workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof searchWorkflow>({ ...input, ...state, startedMs });
    }
  }
  return { candidate: input.candidate, ...state.tally };
}

interface SearchState {
  readonly tally: SearchTally;
  /** Number of the next trial. */
  readonly next: number;
}

/** The first trial always may: a search without any has nothing to choose. */
function mayStart({ trials, timeMs }: SearchInput, startedMs: number, number: number): boolean {
  const isOver = timeMs !== null && Date.now() - startedMs >= timeMs;
  return number < trials && !(number > 0 && isOver);
}

/** Runs trials until the budget is used up, or history is long enough; what was started has ended then. */
async function runInWindow(input: SearchInput, startedMs: number, from: SearchState): Promise<SearchState> {
  const { generation } = input;
  const running: Promise<RunTrialResult>[] = [];
  let { tally, next } = from;
  let telling = Promise.resolve();
  const mayGoOn = () => mayStart(input, startedMs, next) && !workflowInfo().continueAsNewSuggested;
  while (running.length > 0 || mayGoOn()) {
    while (running.length < generation && (next === from.next || mayGoOn())) {
      const trial = startTrial(input, next);
      // Awaited in its turn: an earlier one that fails first ends the search.
      trial.catch(() => undefined);
      running.push(trial);
      next += 1;
    }
    const nDone = next - running.length + 1;
    const result = await running.shift();
    if (result !== undefined) tally = addTrials(tally, nDone - 1, [result]);
    if (nDone % generation !== 0 && running.length > 0) continue;
    const told = { tally, nDone };
    telling = telling.then(() => tellProgress(input, told.tally, told.nDone));
    // Awaited in the end: trials do not wait for what people are told.
    telling.catch(() => undefined);
  }
  await telling;
  return { tally, next };
}

async function runGeneration(
  input: SearchInput,
  _startedMs: number,
  from: SearchState,
): Promise<SearchState> {
  const width = Math.min(input.generation, input.trials - from.next);
  const results = await Promise.all(
    Array.from({ length: width }, (_, i) => startTrial(input, from.next + i)),
  );
  const state = { tally: addTrials(from.tally, from.next, results), next: from.next + width };
  await tellProgress(input, state.tally, state.next);
  return state;
}

function startTrial({ runId, plan }: SearchInput, number: number): Promise<RunTrialResult> {
  return search.runTrial({ runId, plan, number });
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
