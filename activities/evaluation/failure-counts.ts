import type { Evaluation } from "../../schemas/models/model-version.ts";

export interface FailureRows {
  /** Label of each row of the table: 1 = positive. */
  readonly y: Float64Array;
  /** Asset of each row of the table. */
  readonly assetCodes: Int32Array;
  readonly rows: { readonly train: Int32Array; readonly test: Int32Array };
  /** Probability of each test row, in the order of `rows.test`. */
  readonly probability: Float64Array;
  /** null: nothing alerts. */
  readonly threshold: number | null;
}

/**
 * How many rows are positive, and how many assets they belong to: alerts and costs are counted by row, and hundreds of
 * rows may stand before one failure. Missed assets have positive test rows and an alert at none of them.
 */
export function failureCounts(given: FailureRows): NonNullable<Evaluation["failures"]> {
  const { y, assetCodes, rows, probability, threshold } = given;
  const failed = (chosen: Int32Array): { rows: number; assets: number } => {
    const positive = chosen.filter((row) => y[row] === 1);
    return { rows: positive.length, assets: new Set(positive.map((row) => assetCodes[row] as number)).size };
  };
  const train = failed(rows.train);
  const test = failed(rows.test);
  if (threshold === null) return { train, test };
  const alerted = new Set<number>();
  rows.test.forEach((row, i) => {
    if (y[row] === 1 && (probability[i] as number) >= threshold) alerted.add(assetCodes[row] as number);
  });
  return { train, test: { ...test, missedAssets: test.assets - alerted.size } };
}
