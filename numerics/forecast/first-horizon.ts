import type { TrainedModel } from "../model.ts";

/**
 * A forecast of its nearest horizon alone, with the same answers there: what explains and watches the median at that
 * horizon need not compute the others.
 *
 * @returns the model itself where it is no forecast, has one horizon, or is of a kind without outputs of their own
 */
export function firstHorizon(model: TrainedModel): TrainedModel {
  const { forecast, nFeatures } = model;
  if (forecast === undefined || model.nOutputs === forecast.nQuantiles) return model;
  const nOutputs = forecast.nQuantiles;
  const shape = { nOutputs, forecast: { ...forecast, offsets: forecast.offsets.slice(0, nOutputs) } };
  switch (model.kind) {
    case "tree_ensemble": {
      const trees = model.trees.filter(({ output }) => output < nOutputs);
      return { ...model, ...shape, base: model.base.slice(0, nOutputs), trees };
    }
    case "linear":
      return {
        ...model,
        ...shape,
        coefficients: model.coefficients.slice(0, nOutputs * nFeatures),
        intercepts: model.intercepts.slice(0, nOutputs),
      };
    case "constant":
      return { ...model, ...shape, base: model.base.slice(0, nOutputs) };
    case "blend":
    case "pca_monitor":
      return model;
  }
}
