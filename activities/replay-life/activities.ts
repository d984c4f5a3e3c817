import { readDataset, readPipeline } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { localParts, readingsOf } from "../features/sensor-columns.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { reuseOr } from "../stage-cache.ts";
import { concludeReplay } from "./conclude.ts";
import { judgeChallenger } from "./judge.ts";
import type {
  ConcludeInput,
  JudgeInput,
  JudgeResult,
  PlanReplayInput,
  ReplayLifeResult,
  ReplayPlan,
  ReplayWindowInput,
  ReplayWindowResult,
  SnapshotInput,
  SnapshotResult,
} from "./messages.ts";
import { planReplay } from "./plan.ts";
import { scoreWindow } from "./score-window.ts";
import { snapshotAsOf } from "./snapshot.ts";

/** Raised when the same inputs would give another snapshot, window or decision than before. */
const SNAPSHOT_VERSION = 1;
const WINDOW_VERSION = 3;
const JUDGE_VERSION = 1;

/** History gone through again: snapshots of what was known, windows scored forward, decisions by rule. */
export function createReplayLifeActivities(deps: ActivityDeps) {
  const { objects, db } = deps;
  return {
    /**
     * When what is trained and looked at.
     *
     * **Effects**: none. **Idempotency**: pure. **Heartbeat**: 1 s. **Errors**: invalid_pipeline where the fleet has no
     * time in common, invalid_body. **Retry**: work.
     */
    async planReplay({ runId, spec, dataset: ref, options }: PlanReplayInput): Promise<ReplayPlan> {
      return withHeartbeat(async () => {
        const pipeline = await readPipeline(objects, spec);
        const dataset = await readDataset(objects, ref);
        const from = await deps.duckdb.parquet(await localParts(deps, readingsOf(dataset)));
        const [row] = await deps.duckdb.query(
          `SELECT min(__t)::DOUBLE AS first, max(__t)::DOUBLE AS last FROM ${from}`,
        );
        const [first, last] = [Number(row?.["first"]), Number(row?.["last"])];
        return planReplay({ runId, pipeline, dataset, options, first, last });
      });
    },

    /**
     * What was known at a moment, as a dataset.
     *
     * **Effects**: Parquet and manifest objects. **Idempotency**: content and stage cache. **Heartbeat**: 1 s. **Errors**:
     * not_enough_data. **Retry**: work.
     */
    async snapshotDataset(input: SnapshotInput): Promise<SnapshotResult> {
      const { spec, dataset, until } = input;
      const step = { stage: "replay-snapshot", version: SNAPSHOT_VERSION, inputs: { spec, dataset, until } };
      return reuseOr(db.datasets, step, () =>
        withHeartbeat(async ({ signal }) => {
          const pipeline = await readPipeline(objects, spec);
          return snapshotAsOf(deps, {
            pipeline,
            dataset: await readDataset(objects, dataset),
            until,
            signal,
          });
        }),
      );
    },

    /**
     * Gates and champion rule on the newest labelled data.
     *
     * **Effects**: judgement document. **Idempotency**: content and stage cache. **Heartbeat**: 1 s. **Errors**: conflict
     * when the two models answer different questions. **Retry**: work.
     */
    async judgeChallenger(input: JudgeInput): Promise<JudgeResult> {
      const { runId: _, ...inputs } = input;
      return reuseOr(db.datasets, { stage: "replay-judge", version: JUDGE_VERSION, inputs }, () =>
        withHeartbeat((beat) => judgeChallenger(deps, input, beat)),
      );
    },

    /**
     * One window: predictions of the model in service and of the first one, a drift check, and what they were worth.
     *
     * **Effects**: feature sets, window and drift documents. **Idempotency**: content and stage cache. **Heartbeat**: 1 s.
     * **Retry**: work.
     */
    async replayWindow(input: ReplayWindowInput): Promise<ReplayWindowResult> {
      const { runId: _, ...inputs } = input;
      return reuseOr(db.datasets, { stage: "replay-window", version: WINDOW_VERSION, inputs }, () =>
        withHeartbeat((beat) => scoreWindow(deps, input, beat)),
      );
    },

    /** **Effects**: result document and page. **Idempotency**: content. **Heartbeat**: 1 s. **Retry**: work. */
    async concludeReplay(input: ConcludeInput): Promise<ReplayLifeResult> {
      return withHeartbeat((beat) => concludeReplay(deps, input, beat));
    },
  };
}
