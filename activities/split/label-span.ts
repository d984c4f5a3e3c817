import type { DatasetSource } from "../../schemas/dataset.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { spanInTimeUnits } from "../../schemas/pipeline/time.ts";

/** How far the label of a row looks ahead, in the unit of `__t`; 0 where it says nothing of later rows. */
export function labelSpan(pipeline: Pick<Pipeline, "task">, timeKind: DatasetSource["timeKind"]): number {
  const { task } = pipeline;
  if (task.kind !== "failure_within") return 0;
  return spanInTimeUnits(task.horizon, timeKind === "timestamp" ? "timestamp" : "cycle");
}
