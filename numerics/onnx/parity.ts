/**
 * Compares what the trainer and the graph answer, and makes the rows on which they would differ first.
 * Running the graph is the caller's: nothing here loads a model.
 */
import type { DecisionTree } from "../decision-tree.ts";
import type { Matrix } from "../matrix.ts";
import type { TrainedModel } from "../model.ts";
import type { Generator } from "../random/generator.ts";
import { createGenerator } from "../random/generator.ts";

/** The largest difference found. */
export interface ParityReport {
  /** max |graph − trainer| / max(1, |trainer|); Infinity where one is NaN or they differ in length. */
  readonly maxError: number;
  /** Row of the largest error, −1 without rows. */
  readonly worstRow: number;
  readonly nRows: number;
}

/**
 * Compares two sets of outputs, row-major (nRows × nOutputs).
 *
 * @throws {RangeError} when nOutputs is not a positive integer or does not divide the trainer's length
 */
export function compareOutputs(trainer: Float64Array, graph: Float64Array, nOutputs: number): ParityReport {
  if (!Number.isInteger(nOutputs) || nOutputs < 1 || trainer.length % nOutputs !== 0) {
    throw new RangeError(`nOutputs must divide the ${trainer.length} outputs, got ${nOutputs}`);
  }
  const nRows = trainer.length / nOutputs;
  if (graph.length !== trainer.length) return { maxError: Infinity, worstRow: nRows > 0 ? 0 : -1, nRows };
  let maxError = 0;
  let worstRow = nRows > 0 ? 0 : -1;
  for (let index = 0; index < trainer.length; index++) {
    const difference = Math.abs(graph[index] - trainer[index]) / Math.max(1, Math.abs(trainer[index]));
    // NaN compares false with everything, and must count as the worst.
    const error = Number.isNaN(difference) ? Infinity : difference;
    if (error > maxError) {
      maxError = error;
      worstRow = Math.floor(index / nOutputs);
    }
  }
  return { maxError, worstRow, nRows };
}

const MISSING_SHARE = 0.1;

/**
 * Rows made to fall on either side of splits: each value is a threshold of its column, the next double
 * below or above it, or missing (one in ten). Columns without thresholds get normal draws around the
 * centre that a linear model or monitor has there.
 *
 * @param nRows rows to make, ≥ 0
 *
 * Deterministic for a seed.
 */
export function thresholdProbes(model: TrainedModel, nRows: number, seed: number | string): Matrix {
  const generator = createGenerator(seed);
  const thresholds = collectThresholds(model);
  const data = new Float64Array(nRows * model.nFeatures);
  for (let index = 0; index < data.length; index++) {
    const column = index % model.nFeatures;
    data[index] =
      generator.next() < MISSING_SHARE ? Number.NaN : drawValue(model, column, thresholds[column], generator);
  }
  return { data, nRows, nColumns: model.nFeatures };
}

function drawValue(
  model: TrainedModel,
  column: number,
  thresholds: readonly number[],
  generator: Generator,
): number {
  if (thresholds.length === 0) {
    const draw = generator.normal();
    const { mean, scale } = centreOf(model, column);
    return mean + 2 * draw * scale;
  }
  const threshold = thresholds[generator.integer(thresholds.length)];
  const side = generator.integer(3);
  return side === 0 ? threshold : nextDouble(threshold, side === 1 ? -1 : 1);
}

/** Where a model without thresholds on a column expects its values. */
function centreOf(model: TrainedModel, column: number): { readonly mean: number; readonly scale: number } {
  switch (model.kind) {
    case "linear":
    case "pca_monitor":
      // A column that a monitor does not look at has a scale beyond which there are no doubles.
      return model.scales[column] === Number.MAX_VALUE
        ? UNSCALED
        : { mean: model.means[column], scale: model.scales[column] };
    case "blend": {
      const scaled = model.members.find(({ kind }) => kind === "linear");
      return scaled === undefined ? UNSCALED : centreOf(scaled, column);
    }
    case "tree_ensemble":
    case "constant":
      return UNSCALED;
  }
}

const UNSCALED = { mean: 0, scale: 0.5 };

function treesOf(model: TrainedModel): readonly DecisionTree[] {
  if (model.kind === "blend") return model.members.flatMap(treesOf);
  return model.kind === "tree_ensemble" ? model.trees : [];
}

/** Finite thresholds of each column; those at the largest double only tell missing from present. */
function collectThresholds(model: TrainedModel): number[][] {
  const thresholds = Array.from({ length: model.nFeatures }, (): number[] => []);
  for (const tree of treesOf(model)) {
    tree.feature.forEach((feature, node) => {
      const codes = tree.leftCodes?.[node];
      if (codes !== undefined) thresholds[feature].push(...codes);
      const threshold = tree.threshold[node];
      if (feature >= 0 && codes === undefined && Math.abs(threshold) < Number.MAX_VALUE)
        thresholds[feature].push(threshold);
    });
  }
  return thresholds;
}

/**
 * The neighbouring double.
 *
 * @param value finite
 * @param direction −1 for the next below, 1 for the next above
 */
export function nextDouble(value: number, direction: -1 | 1): number {
  if (value === 0) return direction * Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  // Away from zero the bit pattern grows by one, towards zero it shrinks by one.
  const step = value > 0 === direction > 0 ? 1n : -1n;
  view.setBigInt64(0, view.getBigInt64(0) + step);
  return view.getFloat64(0);
}
