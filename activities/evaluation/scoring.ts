import { selectRows } from "../../numerics/matrix.ts";
import type { TrainedModel } from "../../numerics/model.ts";
import type { ServedInterval } from "../../schemas/models/model-version.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import type { Beat } from "../heartbeat.ts";
import { assetDaysOf } from "../training/detection.ts";
import { answersOfPairs, forecastPairs } from "../training/forecast-pairs.ts";
import type { ForecastProblem, Problem } from "../training/problem.ts";
import { evidenceGroups } from "./evidence-groups.ts";
import type { HoldoutJob, HoldoutOutput } from "./evaluate-holdout.ts";
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
  /** Metrics that are given an interval; absent: all. */
  readonly intervalsOf?: readonly string[];
  /** Rows of assets that had not failed, with the answers for them. */
  readonly censored?: { readonly rows: Int32Array; readonly prediction: Float64Array };
}

/** Metrics, intervals, slices and threshold table of answers on some rows of a feature table. */
export async function scoreRows(
  deps: Pick<ActivityDeps, "cpu">,
  input: ScoreRowsInput,
  beat: Beat,
): Promise<HoldoutOutput> {
  const { table, pipeline, problem, rows, prediction, baseline, threshold, interval, censored, intervalsOf } =
    input;
  const judged = problem.forecast === undefined ? rowsJudged(input) : pairsJudged(input, problem.forecast);
  const assetDay = problem.kind === "anomaly" ? assetDaysOf(pipeline, table, rows) : undefined;
  return deps.cpu.run(
    "evaluateHoldout",
    {
      problem,
      ...judged,
      hasBaseline: baseline !== prediction,
      threshold,
      interval:
        interval === null ? null : { rule: interval, range: { min: interval.min, max: interval.max } },
      costs: pipeline.costs ?? null,
      seed: pipeline.split.seed,
      ...(intervalsOf === undefined ? {} : { intervalsOf }),
      ...(assetDay === undefined ? {} : { assetDay }),
      ...(censored === undefined
        ? {}
        : { censored: { least: pick(table.yLeast, censored.rows), prediction: censored.prediction } }),
    },
    beat,
  );
}

type Judged = Pick<
  HoldoutJob,
  "truth" | "truthRaw" | "prediction" | "baseline" | "groups" | "assets" | "slices" | "horizon"
>;

function rowsJudged({ table, rows, prediction, baseline, slices }: ScoreRowsInput): Judged {
  return {
    truth: pick(table.y, rows),
    truthRaw: pick(table.yRaw, rows),
    prediction,
    baseline,
    // Rows of one asset are not independent evidence: intervals resample whole assets.
    groups: Int32Array.from(rows, (row) => table.assetCodes[row] as number),
    slices,
  };
}

/** A forecast is judged at every horizon whose truth is known; each horizon is a slice of its own. */
function pairsJudged(
  { table, rows, prediction, baseline, slices }: ScoreRowsInput,
  problem: ForecastProblem,
): Judged {
  const pairs = forecastPairs(table, rows);
  const { place, horizon } = pairs;
  const answers = (values: Float64Array) => answersOfPairs(pairs, values, problem);
  const assets = Int32Array.from(place, (at) => table.assetCodes[rows[at] as number] as number);
  const ofHorizons = {
    column: HORIZON_SLICE,
    codes: horizon,
    values: problem.horizons.map((one) => ({ value: String(one) })),
  };
  return {
    truth: pairs.truth,
    truthRaw: pairs.naive,
    prediction: answers(prediction),
    baseline: answers(baseline),
    horizon,
    groups: evidenceGroups(assets),
    assets,
    slices: [
      ofHorizons,
      ...slices.map((slice) => ({
        ...slice,
        codes: Int32Array.from(place, (at) => slice.codes[at] as number),
      })),
    ],
  };
}

/** Name of the slices by horizon. */
export const HORIZON_SLICE = "horizon";

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
