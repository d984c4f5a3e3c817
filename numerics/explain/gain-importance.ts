/** Which features a model leans on, from its own structure: no rows are needed. */
import type { TrainedModel } from "../model.ts";

/**
 * Share of each feature in what the model learnt.
 *
 * - tree ensembles: the loss drop of all splits on the feature
 * - linear models: Σ over outputs of |coefficient| of the standardised feature
 * - blends: the members' shares, weighed as their answers
 * - constants, and the PCA monitor, which watches all features alike: 0
 *
 * @returns Float64Array (nFeatures), ≥ 0, summing to 1, or all 0 where nothing was learnt
 *
 * Favours features with many distinct values and splits credit between correlated ones: a hint for
 * people, not a test of relevance.
 */
export function gainImportance(model: TrainedModel): Float64Array {
  const shares = new Float64Array(model.nFeatures);
  switch (model.kind) {
    case "tree_ensemble":
      for (const tree of model.trees) {
        tree.feature.forEach((feature, node) => {
          if (feature >= 0) shares[feature] += tree.gain[node];
        });
      }
      break;
    case "linear":
      model.coefficients.forEach((coefficient, index) => {
        shares[index % model.nFeatures] += Math.abs(coefficient);
      });
      break;
    case "blend":
      model.members.forEach((member, index) => {
        gainImportance(member).forEach((share, feature) => (shares[feature] += model.weights[index] * share));
      });
      break;
    case "pca_monitor":
    case "constant":
      break;
  }
  const total = shares.reduce((sum, share) => sum + share, 0);
  return total > 0 ? shares.map((share) => share / total) : shares;
}
