/** Ridge or elastic net regression, or logistic regression for classes: the plain model that others must beat. */
import type { Matrix } from "../matrix.ts";
import { checkFiniteOrMissing, checkRowIndices } from "../matrix.ts";
import type { LinearModel, PostTransform } from "../model.ts";
import { resolveParameters } from "../parameter-table.ts";
import type { TaskKind, TaskTarget } from "../task-kind.ts";
import { checkTarget, combineWeights, countOutputs } from "../task-kind.ts";
import type { TrainingHooks } from "../training-hooks.ts";
import { stopIfAsked } from "../training-hooks.ts";
import { fitLogistic } from "./logistic.ts";
import type { LinearParameters } from "./parameters.ts";
import { LINEAR_PARAMETERS } from "./parameters.ts";
import { fitElasticNet, fitRidge } from "./ridge.ts";
import { standardise } from "./standardise.ts";

export interface LinearInput {
  /** Finite or NaN; a missing value counts as its column's mean. */
  readonly matrix: Matrix;
  readonly target: TaskTarget;
  /** Rows to train on; all when absent. */
  readonly trainRows?: Int32Array;
  /** Float64Array (matrix.nRows), ≥ 0. */
  readonly weights?: Float64Array;
  /** One factor per class code. */
  readonly classWeights?: readonly number[];
  readonly parameters?: Partial<LinearParameters>;
  readonly hooks?: TrainingHooks;
}

const POST_TRANSFORMS: Readonly<Record<TaskKind, PostTransform>> = {
  regression: "identity",
  binary: "sigmoid",
  multiclass: "softmax",
};

/**
 * Trains a linear model on standardised features. Needs no seed: nothing is drawn.
 *
 * @throws {RangeError} for a parameter, shape, target, weight or row index out of range, or no rows
 * @throws {TrainingCancelledError} when `hooks.shouldStop` says so
 */
export function trainLinear(input: LinearInput): LinearModel {
  const { matrix, target, hooks } = input;
  const parameters = resolveParameters(LINEAR_PARAMETERS, input.parameters ?? {});
  checkFiniteOrMissing(matrix);
  const trainRows = input.trainRows ?? Int32Array.from({ length: matrix.nRows }, (_, row) => row);
  if (trainRows.length === 0) throw new RangeError("trainRows must hold at least one row, got 0");
  checkRowIndices("trainRows", trainRows, matrix.nRows);
  checkTarget(target, matrix.nRows, trainRows);
  const weights = combineWeights(target, trainRows, input.weights, input.classWeights);
  const values = Float64Array.from(trainRows, (row) => target.values[row]);
  stopIfAsked(hooks, 0);
  const table = standardise(matrix, trainRows, weights);
  const nOutputs = countOutputs(target);
  const { lambdaL1, lambdaL2, maxIterations, tolerance } = parameters;
  if (lambdaL1 > 0 && target.taskKind !== "regression") {
    throw new RangeError(`lambdaL1 must be 0 for classes, got ${lambdaL1}`);
  }
  const onStep = (iteration: number, metric: number): void => {
    stopIfAsked(hooks, iteration);
    hooks?.onProgress?.({ iteration: iteration + 1, of: maxIterations, metric });
  };
  const solver = { weights, lambdaL2, maxIterations, tolerance, onStep };
  const { coefficients, intercepts } =
    target.taskKind !== "regression"
      ? fitLogistic(table, values, nOutputs, solver)
      : lambdaL1 > 0
        ? fitElasticNet(table, values, { ...solver, lambdaL1 })
        : fitRidge(table, values, { weights, lambdaL2 });
  return {
    kind: "linear",
    taskKind: target.taskKind,
    nFeatures: matrix.nColumns,
    nOutputs,
    postTransform: POST_TRANSFORMS[target.taskKind],
    means: table.means,
    scales: table.scales,
    coefficients: [...coefficients],
    intercepts: [...intercepts],
  };
}
