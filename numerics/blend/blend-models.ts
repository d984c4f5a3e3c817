import { checkCap } from "../model.ts";
import type { BlendModel, OutputCap, TrainedModel } from "../model.ts";

/**
 * One model that answers the weighted mean of several.
 *
 * @param models at least one, of one task and shape, none of them a blend
 * @param weights ≥ 0, one per model; divided by their sum
 * @param cap what a regression member's answer is clipped to before it is averaged
 * @returns the model itself where there is one
 * @throws {RangeError} when there is none, they differ in task or shape, or weights do not fit
 */
export function blendModels(
  models: readonly TrainedModel[],
  weights: readonly number[],
  cap?: OutputCap,
): TrainedModel {
  const [first] = models;
  if (first === undefined) throw new RangeError("models must hold at least one, got 0");
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (weights.length !== models.length || weights.some((weight) => !(weight >= 0)) || !(total > 0)) {
    throw new RangeError(`weights must be ≥ 0, one per model [${models.length}], got ${weights.join(", ")}`);
  }
  if (models.length === 1) return first;
  checkCap(first.taskKind, cap);
  const { taskKind, nFeatures, nOutputs } = first;
  const members = models.map((model, index) => {
    if (model.kind === "blend") throw new RangeError(`models[${index}] must not be a blend itself`);
    for (const key of ["taskKind", "nFeatures", "nOutputs"] as const) {
      if (model[key] === first[key]) continue;
      throw new RangeError(
        `models[${index}].${key} must be ${first[key]} as in the first, got ${model[key]}`,
      );
    }
    return model;
  });
  const blend: BlendModel = {
    kind: "blend",
    taskKind,
    nFeatures,
    nOutputs,
    postTransform: "identity",
    members,
    weights: weights.map((weight) => weight / total),
  };
  return cap === undefined ? blend : { ...blend, memberCap: cap };
}
