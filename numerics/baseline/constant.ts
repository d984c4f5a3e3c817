/** The model that knows only the target: the mean, or the share of each class. */
import type { ConstantModel } from "../model.ts";
import type { TaskTarget } from "../task-kind.ts";
import { checkTarget, combineWeights, countOutputs } from "../task-kind.ts";

export interface ConstantInput {
  /** Features a served graph of this model takes, and ignores. */
  readonly nFeatures: number;
  readonly target: TaskTarget;
  /** Rows to train on; all when absent. */
  readonly trainRows?: Int32Array;
  /** Float64Array, ≥ 0, one per value of the target. */
  readonly weights?: Float64Array;
}

/**
 * Fits a constant: the weighted mean, which has the least squared error, or the weighted class shares,
 * which have the least log-loss and whose largest is the majority class.
 *
 * @throws {RangeError} for a target, weight or row index out of range, or no rows
 */
export function trainConstant(input: ConstantInput): ConstantModel {
  const { target, nFeatures } = input;
  const nRows = target.values.length;
  const rows = input.trainRows ?? Int32Array.from({ length: nRows }, (_, row) => row);
  if (rows.length === 0) throw new RangeError("trainRows must hold at least one row, got 0");
  checkTarget(target, nRows, rows);
  const weights = combineWeights(target, rows, input.weights, undefined);
  const nOutputs = countOutputs(target);
  const base = Array.from({ length: nOutputs }, () => 0);
  let weightSum = 0;
  rows.forEach((row, index) => {
    const weight = weights?.[index] ?? 1;
    weightSum += weight;
    if (target.taskKind === "multiclass") base[target.values[row]] += weight;
    else base[0] += weight * target.values[row];
  });
  return {
    kind: "constant",
    taskKind: target.taskKind,
    nFeatures,
    nOutputs,
    postTransform: target.taskKind === "regression" ? "identity" : "probability",
    base: base.map((total) => total / weightSum),
  };
}
