import type { TrainedModel } from "../model.ts";
import { explainTrees } from "./tree-shap.ts";

/** Says what moved a prediction: contributions of the features to the raw score, before the post transform. */
export interface Explainer {
  /** Float64Array (nOutputs): the raw score where nothing is known of a row. */
  readonly expected: Float64Array;
  /**
   * @param data          row-major values, NaN = missing
   * @param offset        index of the row's first value
   * @param contributions Float64Array (nOutputs × nFeatures), written; they and `expected` sum to the raw score
   */
  readonly explain: (data: Float64Array, offset: number, contributions: Float64Array) => void;
}

/**
 * The exact explainer of a model: Shapley values of trees; of a linear model coefficient · (x − mean) / scale, which
 * are its Shapley values for independent features.
 */
export function createExplainer(model: TrainedModel): Explainer {
  switch (model.kind) {
    case "tree_ensemble":
      return explainTrees(model);
    case "linear": {
      const { nFeatures, nOutputs, means, scales, coefficients, intercepts } = model;
      return {
        expected: Float64Array.from(intercepts),
        explain(data, offset, contributions) {
          for (let k = 0; k < nOutputs; k++) {
            for (let j = 0; j < nFeatures; j++) {
              const distance = (data[offset + j] - means[j]) / scales[j];
              // A missing value counts as the mean.
              contributions[k * nFeatures + j] = Number.isNaN(distance)
                ? 0
                : coefficients[k * nFeatures + j] * distance;
            }
          }
        },
      };
    }
    case "constant":
      return {
        expected: Float64Array.from(model.base),
        explain: (_data, _offset, contributions) => void contributions.fill(0),
      };
  }
}
