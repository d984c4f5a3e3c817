/** What a supervised model predicts, and the checks that every trainer makes of its targets. */

/** One number; the probability of a positive; or one probability per class. */
export type TaskKind = "regression" | "binary" | "multiclass";

/**
 * What a model answers: a target's kind; how unusual a row is, which is learnt without a target; or quantiles of one
 * column at several times ahead.
 */
export type AnswerKind = TaskKind | "anomaly" | "forecast";

/** A target and how to read it. */
export interface TaskTarget {
  readonly taskKind: TaskKind;
  /** Float64Array (nRows): a finite number; 0 or 1; or a class code 0 … nClasses − 1. */
  readonly values: Float64Array;
  /** Classes of a multi-class target, 2 … 1000; unused otherwise. */
  readonly nClasses?: number;
}

const MAX_CLASSES = 1000;

/** Outputs of a model of this task: 1, or one per class. */
export function countOutputs(target: Pick<TaskTarget, "taskKind" | "nClasses">): number {
  return target.taskKind === "multiclass" ? (target.nClasses ?? 0) : 1;
}

/**
 * Checks the targets of the rows that are trained on.
 *
 * @throws {RangeError} when the length is wrong, nClasses is out of range, or a value is not of the task
 */
export function checkTarget(target: TaskTarget, nRows: number, rows: Int32Array): void {
  const { taskKind, values, nClasses } = target;
  if (values.length !== nRows) {
    throw new RangeError(`target must have one value per row [${nRows}], got ${values.length}`);
  }
  if (taskKind === "multiclass") {
    if (nClasses === undefined || !Number.isInteger(nClasses) || nClasses < 2 || nClasses > MAX_CLASSES) {
      throw new RangeError(`nClasses must be an integer in 2 … ${MAX_CLASSES}, got ${String(nClasses)}`);
    }
  }
  const last = taskKind === "multiclass" ? countOutputs(target) - 1 : 1;
  for (const row of rows) {
    const value = values[row];
    const isValid =
      taskKind === "regression"
        ? Number.isFinite(value)
        : Number.isInteger(value) && value >= 0 && value <= last;
    if (!isValid) {
      const range = taskKind === "regression" ? "finite" : `an integer in 0 … ${last}`;
      throw new RangeError(`target[${row}] must be ${range}, got ${value}`);
    }
  }
}

/**
 * The weight of each row: its own times its class's.
 *
 * @param weights  Float64Array (nRows), ≥ 0 and finite, or absent for 1
 * @param classWeights one factor per class code (binary: 2), > 0; not for regression
 * @returns null where every weight is 1
 * @throws {RangeError} naming the weight that is out of range
 */
export function combineWeights(
  target: TaskTarget,
  rows: Int32Array,
  weights: Float64Array | undefined,
  classWeights: readonly number[] | undefined,
): Float64Array | null {
  if (weights === undefined && classWeights === undefined) return null;
  if (weights !== undefined && weights.length !== target.values.length) {
    throw new RangeError(
      `weights must have one value per row [${target.values.length}], got ${weights.length}`,
    );
  }
  checkClassWeights(target, classWeights);
  const combined = new Float64Array(rows.length);
  let total = 0;
  rows.forEach((row, index) => {
    const weight = weights?.[row] ?? 1;
    if (!Number.isFinite(weight) || weight < 0) {
      throw new RangeError(`weights[${row}] must be finite and ≥ 0, got ${weight}`);
    }
    combined[index] = weight * (classWeights?.[target.values[row]] ?? 1);
    total += combined[index];
  });
  if (!(total > 0)) throw new RangeError(`weights must not all be 0 [${rows.length} rows]`);
  return combined;
}

/** Class factors that give every class the same total weight: n / (nClasses · n_class); 1 for an absent class. */
export function balancedClassWeights(target: TaskTarget, rows: Int32Array): number[] {
  const nClasses = target.taskKind === "binary" ? 2 : countOutputs(target);
  const counts = Array.from({ length: nClasses }, () => 0);
  for (const row of rows) counts[target.values[row]] += 1;
  return counts.map((count) => (count === 0 ? 1 : rows.length / (nClasses * count)));
}

function checkClassWeights(target: TaskTarget, classWeights: readonly number[] | undefined): void {
  if (classWeights === undefined) return;
  const nClasses = target.taskKind === "binary" ? 2 : countOutputs(target);
  if (target.taskKind === "regression" || classWeights.length !== nClasses) {
    throw new RangeError(`classWeights must have one factor per class, got ${classWeights.length}`);
  }
  classWeights.forEach((weight, index) => {
    if (!Number.isFinite(weight) || weight <= 0) {
      throw new RangeError(`classWeights[${index}] must be finite and > 0, got ${weight}`);
    }
  });
}
