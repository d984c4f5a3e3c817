import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { NumberColumns } from "../../stores/objects/numbers.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { assetDaysOf } from "./detection.ts";

/** What is stored of a fold's validation rows. */
export function outOfFoldRows(
  pipeline: Pipeline,
  table: FeatureTable,
  { rows, predictions }: { readonly rows: Int32Array; readonly predictions: Float64Array },
): NumberColumns {
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
