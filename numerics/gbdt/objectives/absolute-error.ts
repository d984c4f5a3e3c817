import type { Loss } from "./objective.ts";
import { quantileLoss } from "./quantile.ts";

/** |s − y|: the quantile loss of the median, times two. Leaves take the median of their residuals. */
export const ABSOLUTE_ERROR: Loss = {
  ...quantileLoss(() => 0.5),
  rowLoss: ({ scores, targets }, row) => Math.abs(scores[row] - targets[row]),
};
