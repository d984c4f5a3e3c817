import { problemKindOf } from "../../schemas/pipeline/semantics.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { finalRows } from "./fold-rows.ts";
import type { FinalRows } from "./fold-rows.ts";

/**
 * Where all rows are of one class, any answer is right: such a model would look perfect and say nothing.
 *
 * @throws {PlatformError} not_enough_data: a yes-or-no question whose training side, all folds together, lacks a class
 */
export function requireBothClasses(
  table: FeatureTable,
  { pipeline, split }: { readonly pipeline: Pipeline; readonly split: SplitDocument },
): void {
  if (problemKindOf(pipeline) !== "binary") return;
  const { train } = finalRows(table, pipeline, split);
  const { positive, negative } = countClasses(table.y, train);
  // Without any row a fold says so itself.
  if (train.length === 0 || (positive > 0 && negative > 0)) return;
  const expected = "training rows of both classes";
  const found = `${positive} positive and ${negative} negative rows`;
  const field = pipeline.task.kind === "failure_within" ? "task.horizon" : "label";
  throw new PlatformError(
    "not_enough_data",
    `read the label: expected ${expected}, found ${found}${hintOf(pipeline, positive > 0)}`,
    { locations: [{ field, expected, found }] },
  );
}

/** What is said of a holdout that lacks a class: no figure of it tells a good model from a bad one. Null: it has both. */
export function missingClassOf(y: Float64Array, { test }: Pick<FinalRows, "test">): string | null {
  const { positive, negative } = countClasses(y, test);
  if (positive > 0 && negative > 0) return null;
  return `the holdout has ${positive} positive and ${negative} negative rows: with one class only its figures say nothing; hold out more assets or a longer time`;
}

function countClasses(y: Float64Array, rows: Int32Array): { positive: number; negative: number } {
  let positive = 0;
  for (const row of rows) if (y[row] === 1) positive++;
  return { positive, negative: rows.length - positive };
}

function hintOf({ task }: Pipeline, isAllPositive: boolean): string {
  if (task.kind !== "failure_within") return "";
  return isAllPositive
    ? ` (task.horizon ${task.horizon}): every known reading lies within the horizon of a failure; choose a shorter one than the series are long`
    : ` (task.horizon ${task.horizon}): no reading lies within the horizon before a failure; choose a longer one, or add failures`;
}
