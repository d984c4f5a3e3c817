import { z } from "zod";
import { declaredCostsSchema, failuresSchema } from "./model-version.ts";
import type { Evaluation } from "./model-version.ts";

/** What the chosen threshold would have done on the holdout, and what that would have cost. */
export const operatingPointSchema = z.strictObject({
  /** Probability from which the version alerts. */
  threshold: z.number(),
  precision: z.number(),
  recall: z.number(),
  f1: z.number(),
  alerts: z.number(),
  /** Rows, not failures: those within the horizon of a failure (or of the positive class) that do not alert. */
  missedFailures: z.number(),
  /** Distinct assets with such rows, in training and in the holdout; absent where they were not counted. */
  failures: failuresSchema.optional(),
  falseAlarms: z.number(),
  /** null: the pipeline declares no costs, and the threshold was chosen by F1. */
  costs: declaredCostsSchema
    .extend({
      /** In `currency`, of all failure rows not alerted, of all false alarms, of both, and of both per holdout row. */
      ofMissedFailures: z.number(),
      ofFalseAlarms: z.number(),
      total: z.number(),
      perRow: z.number(),
    })
    .nullable(),
});
export type OperatingPoint = z.infer<typeof operatingPointSchema>;

/**
 * The row of the threshold table that will alert, with the declared costs of what it gets wrong.
 *
 * @returns null for a version that decides nothing or was judged without labels, and for one evaluated before the row was kept
 */
export function operatingPointOf({
  threshold,
  thresholds,
  costs,
  rows,
  failures,
}: Evaluation): OperatingPoint | null {
  const row = thresholds.find((one) => one["threshold"] === threshold);
  if (threshold === undefined || row === undefined || row["precision"] === undefined) return null;
  const count = (name: string) => row[name] ?? 0;
  const point = {
    threshold,
    precision: count("precision"),
    recall: count("recall"),
    f1: count("f1"),
    alerts: count("alerts"),
    missedFailures: count("missedFailures"),
    falseAlarms: count("falseAlarms"),
    ...(failures === undefined ? {} : { failures }),
  };
  if (costs === undefined) return { ...point, costs: null };
  const ofMissedFailures = point.missedFailures * costs.missedFailure;
  const ofFalseAlarms = point.falseAlarms * costs.falseAlarm;
  const total = ofMissedFailures + ofFalseAlarms;
  return { ...point, costs: { ...costs, ofMissedFailures, ofFalseAlarms, total, perRow: total / rows.test } };
}
