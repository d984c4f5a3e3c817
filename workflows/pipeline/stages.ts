import { CancellationScope, CancelledFailure, isCancellation } from "@temporalio/workflow";
import type { RunStage } from "../../schemas/runs/run.ts";
import { runs } from "../activity-proxies.ts";
import { show } from "../visibility.ts";

/** One-line outcome of a stage for people; `isReused` says that nothing was computed again. */
export interface StageOutcome {
  readonly detail: string;
  readonly isReused?: boolean;
}

/** Runs one stage of several and tells of it. */
export interface Stages {
  run<T>(stage: RunStage, work: () => Promise<T>, describe: (result: T) => StageOutcome): Promise<T>;
}

const TITLES: Readonly<Record<RunStage, string>> = {
  ingest: "Reading and checking the files",
  split: "Cutting the holdout and the folds",
  transform: "Computing the features",
  train: "Training the candidates",
  evaluate: "Evaluating on the holdout",
  register: "Registering the version",
  gate: "Checking the gates",
  approve: "Waiting for a person's decision",
  promote: "Promoting the version",
};

/** Runs stages in order, telling the run row and the Temporal UI where it is. */
export class StageLog implements Stages {
  current: RunStage = "ingest";
  readonly #runId: string;
  readonly #model: string;
  readonly #done: string[] = [];

  constructor(runId: string, model: string) {
    this.#runId = runId;
    this.#model = model;
  }

  async run<T>(stage: RunStage, work: () => Promise<T>, describe: (result: T) => StageOutcome): Promise<T> {
    const startedMs = Date.now();
    this.current = stage;
    this.#show(`▶ **${stage}** — ${TITLES[stage]}`);
    const startedAt = new Date(startedMs).toISOString();
    await runs.recordStage({
      runId: this.#runId,
      stage,
      state: stage === "approve" ? "waiting" : "running",
      startedAt,
    });
    try {
      const result = await work();
      const outcome = describe(result);
      const state = outcome.isReused === true ? "reused" : "done";
      await runs.recordStage({
        runId: this.#runId,
        stage,
        state,
        detail: outcome.detail,
        ms: Date.now() - startedMs,
      });
      this.#done.push(`✓ ${stage}${state === "reused" ? " (reused)" : ""} — ${outcome.detail}`);
      return result;
    } catch (error) {
      const isCancelled = isCancellation(error);
      const detail = isCancelled ? { detail: "cancelled" } : {};
      const ms = Date.now() - startedMs;
      await CancellationScope.nonCancellable(() =>
        runs.recordStage({ runId: this.#runId, stage, state: "failed", ms, ...detail }),
      );
      if (isCancelled && !(error instanceof CancelledFailure)) throw new CancelledFailure("cancelled");
      throw error;
    }
  }

  #show(now: string): void {
    show(
      { stage: this.current, model: this.#model },
      [...this.#done, now].map((line) => `- ${line}`).join("\n"),
    );
  }
}
