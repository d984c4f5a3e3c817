import { selectRows } from "../../numerics/matrix.ts";
import type { TrainedModel } from "../../numerics/model.ts";
import type { ServedInterval } from "../../schemas/model-version.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import type { Beat } from "../heartbeat.ts";
import { assetDaysOf } from "../training/detection.ts";
import type { Problem } from "../training/problem.ts";
import type { HoldoutOutput } from "./evaluate-holdout.ts";
import type { RowSlices } from "./slice-columns.ts";

export interface ScoreRowsInput {
  readonly table: FeatureTable;
  readonly pipeline: Pipeline;
  readonly problem: Problem;
  readonly rows: Int32Array;
  /** Row-major answers for `rows`. */
  readonly prediction: Float64Array;
  readonly baseline: Float64Array;
  readonly threshold: number | null;
  readonly interval: ServedInterval | null;
  readonly slices: readonly RowSlices[];
}

/** Metrics, intervals, slices and threshold table of answers on some rows of a feature table. */
export async function scoreRows(
  deps: Pick<ActivityDeps, "cpu">,
  input: ScoreRowsInput,
  beat: Beat,
): Promise<HoldoutOutput> {
  const { table, pipeline, problem, rows, prediction, baseline, threshold, interval, slices } = input;
  const assetDay = problem.kind === "anomaly" ? assetDaysOf(pipeline, table, rows) : undefined;
  return deps.cpu.run(
    "evaluateHoldout",
    {
      problem,
      truth: pick(table.y, rows),
      truthRaw: pick(table.yRaw, rows),
      prediction,
      baseline,
      // Rows of one asset are not independent evidence: intervals resample whole assets.
      groups: Int32Array.from(rows, (row) => table.assetCodes[row] as number),
      threshold,
      interval:
        interval === null ? null : { rule: interval, range: { min: interval.min, max: interval.max } },
      costs: pipeline.costs ?? null,
      slices,
      seed: pipeline.split.seed,
      ...(assetDay === undefined ? {} : { assetDay }),
    },
    beat,
  );
}

/** Answers of a trained model by the reference evaluator, on a thread. */
export async function predictByTrainer(
  deps: Pick<ActivityDeps, "cpu">,
  given: {
    readonly model: TrainedModel;
    readonly table: FeatureTable;
    readonly rows: Int32Array;
    readonly problem: Problem;
    readonly nProbes: number;
    readonly seed: number;
  },
  beat: Beat,
) {
  const { model, table, rows, problem, nProbes, seed } = given;
  return deps.cpu.run(
    "predictRows",
    { model, matrix: table.matrix, rows, bounds: problem.bounds, nProbes, seed },
    beat,
  );
}

export function pick(values: Float64Array, rows: Int32Array): Float64Array {
  return Float64Array.from(rows, (row) => values[row] as number);
}

export function featureRows(table: FeatureTable, rows: Int32Array): Float64Array {
  return selectRows(table.matrix, rows).data;
}
