import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { NumberColumns } from "../../stores/objects/numbers.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { assetDaysOf } from "./detection.ts";
import type { FoldRows } from "./fold-rows.ts";
import { answersOfPairs, forecastPairs } from "./forecast-pairs.ts";
import { problemOf } from "./problem.ts";
import type { FoldOutput } from "./train-one-fold.ts";

/**
 * What is stored of a fold's validation rows; of forecasts the pairs of row and horizon. Columns of censored rows have
 * their own length.
 */
export function outOfFoldRows(
  pipeline: Pipeline,
  table: FeatureTable,
  {
    rows,
    predictions,
    censoredPredictions,
  }: Pick<FoldOutput, "predictions" | "censoredPredictions"> & { readonly rows: FoldRows },
): NumberColumns {
  return {
    ...judgedRows(pipeline, table, { rows: rows.validate, predictions }),
    ...(censoredPredictions.length === 0
      ? {}
      : {
          censoredLeast: Float64Array.from(rows.censored.validate, (row) => table.yLeast[row] as number),
          censoredPrediction: censoredPredictions,
        }),
  };
}

function judgedRows(
  pipeline: Pipeline,
  table: FeatureTable,
  { rows, predictions }: { readonly rows: Int32Array; readonly predictions: Float64Array },
): NumberColumns {
  const { forecast } = problemOf(pipeline, table.classLabels);
  if (forecast !== undefined) {
    const pairs = forecastPairs(table, rows);
    return {
      prediction: answersOfPairs(pairs, predictions, forecast),
      truth: pairs.truth,
      truthRaw: pairs.naive,
      horizon: Float64Array.from(pairs.horizon),
    };
  }
  return {
    prediction: predictions,
    truth: Float64Array.from(rows, (row) => table.y[row] as number),
    truthRaw: Float64Array.from(rows, (row) => table.yRaw[row] as number),
    ...daysOf(pipeline, table, rows),
  };
}

/** Of anomalies: what alerts are counted by. */
function daysOf(pipeline: Pipeline, table: FeatureTable, rows: Int32Array): { assetDay?: Float64Array } {
  const assetDay = pipeline.task.kind === "anomaly" ? assetDaysOf(pipeline, table, rows) : undefined;
  return assetDay === undefined ? {} : { assetDay };
}
