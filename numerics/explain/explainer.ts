import type { PcaMonitorModel, TrainedModel } from "../model.ts";
import { standardiseRow } from "../model.ts";
import { explainBlend } from "./explain-blend.ts";
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
 * are its Shapley values for independent features; of a PCA monitor the parts of its quadratic form; of a blend the
 * members' contributions, carried through their transforms.
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
    case "blend":
      return explainBlend(model, createExplainer);
    case "pca_monitor":
      return explainMonitor(model);
  }
}

/**
 * raw = zᵀ M z with M = P Λ⁻¹ Pᵀ / t2Limit + (I − P Pᵀ) / qLimit, of which feature j has z_j · (M z)_j: the integral of
 * its gradient from the centre, where the score is 0, to the row (Aumann–Shapley).
 */
function explainMonitor(model: PcaMonitorModel): Explainer {
  const { nFeatures, loadings, variances, t2Limit, qLimit } = model;
  const nComponents = variances.length;
  const z = new Float64Array(nFeatures);
  const pull = new Float64Array(nFeatures);
  return {
    expected: new Float64Array(1),
    explain(data, offset, contributions) {
      standardiseRow(model, { data, offset }, z);
      for (let j = 0; j < nFeatures; j++) pull[j] = z[j] / qLimit;
      for (let k = 0; k < nComponents; k++) {
        let score = 0;
        for (let j = 0; j < nFeatures; j++) score += z[j] * loadings[j * nComponents + k];
        const factor = score * (1 / (variances[k] * t2Limit) - 1 / qLimit);
        for (let j = 0; j < nFeatures; j++) pull[j] += factor * loadings[j * nComponents + k];
      }
      for (let j = 0; j < nFeatures; j++) contributions[j] = z[j] * pull[j];
    },
  };
}
