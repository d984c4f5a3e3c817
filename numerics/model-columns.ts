/** Trainings that see some of the columns, and models that are served all of them. */
import type { DecisionTree } from "./decision-tree.ts";
import type { Matrix } from "./matrix.ts";
import type { TrainedModel } from "./model.ts";

/** A scale by which no double differs from its mean. */
const BOUNDLESS = Number.MAX_VALUE;

/**
 * Copies some columns, of shared memory into shared memory.
 *
 * @param columns places in `matrix`, in the order wanted
 */
export function selectColumns({ data, nRows, nColumns }: Matrix, columns: readonly number[]): Matrix {
  const length = nRows * columns.length;
  const isShared = data.buffer instanceof SharedArrayBuffer;
  const selected = isShared ? new Float64Array(new SharedArrayBuffer(8 * length)) : new Float64Array(length);
  let at = 0;
  for (let row = 0; row < nRows; row++) {
    for (const column of columns) selected[at++] = data[row * nColumns + column];
  }
  return { data: selected, nRows, nColumns: columns.length };
}

/**
 * The same model over all columns: it takes `nFeatures` values a row and looks at those that it was trained on.
 *
 * @param columns places of the model's own features among all, ascending
 * @param nFeatures of the result
 */
export function spreadModel<Model extends TrainedModel>(
  model: Model,
  columns: readonly number[],
  nFeatures: number,
): Model {
  const spread = <T>(values: readonly T[], other: T): T[] => {
    const all = Array.from({ length: nFeatures }, () => other);
    columns.forEach((column, place) => (all[column] = values[place]));
    return all;
  };
  switch (model.kind) {
    case "tree_ensemble":
      return { ...model, nFeatures, trees: model.trees.map((tree) => renumber(tree, columns)) };
    case "linear": {
      const rows = Array.from({ length: model.nOutputs }, (_, k) =>
        model.coefficients.slice(k * columns.length, (k + 1) * columns.length),
      );
      return {
        ...model,
        nFeatures,
        means: spread(model.means, 0),
        scales: spread(model.scales, 1),
        coefficients: rows.flatMap((row) => spread(row, 0)),
      };
    }
    case "pca_monitor": {
      const nComponents = model.variances.length;
      const rows = columns.map((_, place) =>
        model.loadings.slice(place * nComponents, (place + 1) * nComponents),
      );
      const none = Array.from({ length: nComponents }, () => 0);
      return {
        ...model,
        nFeatures,
        means: spread(model.means, 0),
        // A column that was not seen is never off the plane.
        scales: spread(model.scales, BOUNDLESS),
        loadings: spread(rows, none).flat(),
      };
    }
    case "constant":
    case "blend":
      return { ...model, nFeatures };
  }
}

function renumber(tree: DecisionTree, columns: readonly number[]): DecisionTree {
  return { ...tree, feature: tree.feature.map((feature) => (feature < 0 ? feature : columns[feature])) };
}
