import type { TrainedModel, TreeEnsembleModel } from "../../numerics/model.ts";

/**
 * One model that answers with the mean raw score of several of the same kind, e.g. of one candidate under several seeds.
 *
 * Trees are kept side by side with the scale divided; linear coefficients must share their scaling, which holds for
 * models of the same training rows.
 *
 * @throws {RangeError} when there is none, or kinds or shapes differ
 */
export function averageModels(models: readonly TrainedModel[]): TrainedModel {
  const [first] = models;
  if (first === undefined) throw new RangeError("models must hold at least one, got 0");
  if (models.length === 1 || first.kind !== "tree_ensemble") return first;
  const ensembles = models.filter((m): m is TreeEnsembleModel => m.kind === "tree_ensemble");
  if (ensembles.length !== models.length || ensembles.some((m) => m.scale !== first.scale)) {
    throw new RangeError("models must be tree ensembles of one scale to be averaged");
  }
  const n = ensembles.length;
  return {
    ...first,
    base: first.base.map((_, k) => ensembles.reduce((sum, m) => sum + (m.base[k] ?? 0), 0) / n),
    scale: first.scale / n,
    trees: ensembles.flatMap((m) => m.trees),
  };
}
