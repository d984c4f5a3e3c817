import type { GbdtInput } from "../../numerics/gbdt/trainer.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { matchColumns } from "./chosen-columns.ts";
import type { FitRequest } from "./fit-candidate.ts";

/**
 * The constraints of a candidate by column of the features.
 *
 * @throws {RangeError} for patterns that match no feature, and for a monotone feature that is a category or moves both ways
 */
export function constraintsOf(
  { monotone, interactions }: Candidate,
  { featureNames, categorical }: Pick<FitRequest, "featureNames" | "categorical">,
): Pick<GbdtInput, "monotone" | "interactions"> {
  const columnsOf = (name: string, patterns: string): number[] => {
    const columns = matchColumns(featureNames, patterns);
    if (columns.length > 0) return columns;
    throw new RangeError(`${name} must match a feature, got ${patterns}`);
  };
  const groups = interactions?.map((patterns, i) => columnsOf(`interactions[${i}]`, patterns));
  if (monotone === undefined) return groups === undefined ? {} : { interactions: groups };
  const signs = featureNames.map(() => 0);
  for (const [direction, sign] of [
    ["increasing", 1],
    ["decreasing", -1],
  ] as const) {
    const patterns = monotone[direction];
    if (patterns === undefined) continue;
    for (const column of columnsOf(`monotone.${direction}`, patterns)) {
      const name = featureNames[column] ?? "";
      if (categorical.includes(column))
        throw new RangeError(`monotone.${direction} must be of numbers, got the category ${name}`);
      if (signs[column] !== 0) throw new RangeError(`monotone must be one way alone, got both for ${name}`);
      signs[column] = sign;
    }
  }
  return { monotone: signs, ...(groups === undefined ? {} : { interactions: groups }) };
}
