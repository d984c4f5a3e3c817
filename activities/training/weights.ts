import { balancedClassWeights } from "../../numerics/task-kind.ts";
import type { TaskTarget } from "../../numerics/task-kind.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";

/** Class factors of a candidate: none, balanced on the training rows, or a factor on the positive class. */
export function classWeightsOf(
  candidate: Candidate,
  target: TaskTarget,
  rows: Int32Array,
): readonly number[] | undefined {
  if (candidate.classWeight === undefined || target.taskKind === "regression") return undefined;
  if (candidate.classWeight === "balanced") return balancedClassWeights(target, rows);
  return target.taskKind === "binary" ? [1, candidate.classWeight] : undefined;
}
