import { balancedClassWeights } from "../../numerics/task-kind.ts";
import type { TaskTarget } from "../../numerics/task-kind.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";

/** The classes of a target as candidates name them. */
export interface ClassNames {
  /** In code order; absent where the target has no classes by name. */
  readonly classLabels?: readonly string[];
}

/**
 * Class factors of a candidate: none, balanced on the training rows, a factor on the positive class, or one for each
 * class that is named.
 *
 * @throws {RangeError} for factors of a class that the target does not have
 */
export function classWeightsOf(
  { classWeight }: Candidate,
  { target, classLabels = [] }: ClassNames & { readonly target: TaskTarget },
  rows: Int32Array,
): readonly number[] | undefined {
  if (classWeight === undefined || target.taskKind === "regression") return undefined;
  if (classWeight === "balanced") return balancedClassWeights(target, rows);
  if (typeof classWeight === "number") return target.taskKind === "binary" ? [1, classWeight] : undefined;
  const [unknown] = unknownClasses(classWeight, classLabels);
  if (unknown !== undefined)
    throw new RangeError(
      `classWeight must name classes of the label (${classLabels.join(", ")}), got ${unknown}`,
    );
  return classLabels.map((label) => (Object.hasOwn(classWeight, label) ? (classWeight[label] ?? 1) : 1));
}

/** Classes that a candidate gives factors to and the label does not have. */
export function unknownClasses(
  classWeight: Candidate["classWeight"],
  classLabels: readonly string[],
): string[] {
  if (typeof classWeight !== "object") return [];
  return Object.keys(classWeight).filter((name) => !classLabels.includes(name));
}
