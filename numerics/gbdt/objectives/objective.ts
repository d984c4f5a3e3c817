/**
 * What boosting minimises. A loss gives the constant scores to start from, the gradient and hessian of every row,
 * and the sum that early stopping watches. One loss is one file of this folder and one line of `table.ts`.
 *
 * Scores are class-major: score of class k, row r is `scores[k · nRows + r]`. Everything works on a range of
 * rows, so that threads share a round; d = score − target throughout.
 */
import type { TaskKind } from "../../task-kind.ts";

/** Which loss, and its numbers. Plain data. */
export interface ObjectiveChoice {
  readonly name: ObjectiveName;
  /** Scores per row, and trees per round. */
  readonly nScores: number;
  readonly settings: LossSettings;
}

export type ObjectiveName =
  | "squaredError"
  | "absoluteError"
  | "huber"
  | "quantile"
  | "nasaScore"
  | "censoredNormal"
  | "logLoss"
  | "softmax";

/** What some losses need; units of the target unless said otherwise. */
export interface LossSettings {
  /** Huber: |d| from which the loss is linear. */
  readonly huberDelta: number;
  /** Quantile: the level, in (0, 1). */
  readonly quantileLevel: number;
  /** NASA score: how early a prediction may be for a loss of e − 1. */
  readonly earlyScale: number;
  /** The same for late ones. */
  readonly lateScale: number;
  /** Censored normal: standard deviation of the target about the score; 0 to learn it. */
  readonly censoredScale: number;
}

/** Rows, what is known about them, and their scores. */
export interface ScoredRows {
  /** Float64Array (nRows) */
  readonly targets: Float64Array;
  /** Float64Array (nRows), or empty for 1. */
  readonly weights: Float64Array;
  /** Uint8Array (nRows): 1 where the target is only known to be at least this; or empty for none. */
  readonly censored: Uint8Array;
  /** Float64Array (nScores × nRows), class-major. */
  readonly scores: Float64Array;
  /** Float64Array (1): how far targets scatter about their scores at present, for losses with a `scatter`. */
  readonly scale: Float64Array;
}

export type TargetRows = Omit<ScoredRows, "scores" | "scale">;

/** Where a round's derivatives go. */
export interface Derivatives {
  /** Float64Array (nRows) */
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  /** Float64Array (nScores × nRows): softmax of the scores at the start of the round; empty elsewhere. */
  readonly probabilities: Float64Array;
}

/** Rows begin … end − 1. */
export interface RowRange {
  readonly begin: number;
  readonly end: number;
}

/** A loss bound to the rows of one training. */
export interface Objective {
  /** Called for all rows before the gradients of a round, for what the scores of a row share. */
  readonly prepare?: (range: RowRange) => void;
  /** Writes the gradients and hessians of score `k`. */
  readonly derive: (k: number, range: RowRange) => void;
}

export interface Loss {
  readonly taskKind: TaskKind;
  /** Whether the hessian of a row of weight 1 is 1. */
  readonly isHessianOne: boolean;
  /** Scores of the best constant model, or close to it. */
  readonly base: (rows: TargetRows, choice: ObjectiveChoice) => Float64Array;
  readonly bind: (rows: ScoredRows, out: Derivatives, choice: ObjectiveChoice) => Objective;
  /** A kernel that derives the same, faster. */
  readonly kernel?: "deriveLogLoss";
  /** Loss of one row of weight 1. */
  readonly rowLoss: (rows: ScoredRows, row: number, choice: ObjectiveChoice) => number;
  /**
   * Level of the quantile of residuals (target − score) that a leaf takes instead of a Newton step, for losses
   * whose hessian says nothing.
   */
  readonly leafQuantile?: (settings: LossSettings) => number;
  /** Whether it knows what to do with a target that is only a lower bound. */
  readonly takesBounds?: true;
  /** For losses that weigh rows by how far targets scatter about their scores, and learn that on the way. */
  readonly scatter?: {
    /** The standard deviation, where a person set it; null: it is learnt. */
    readonly given: (settings: LossSettings) => number | null;
    /** About the best constant. */
    readonly first: (rows: TargetRows) => number;
    /** Sum of weight · expected squared distance of target and score over a range, under the present scale. */
    readonly sumSquares: (rows: ScoredRows, range: RowRange) => number;
  };
}

/** Weight of a row. */
export function weightOf(rows: TargetRows, row: number): number {
  return rows.weights.length === 0 ? 1 : rows.weights[row];
}

/** Sum of weight · loss over a range. */
export function sumLoss(loss: Loss, rows: ScoredRows, range: RowRange, choice: ObjectiveChoice): number {
  let total = 0;
  for (let row = range.begin; row < range.end; row++) {
    total += weightOf(rows, row) * loss.rowLoss(rows, row, choice);
  }
  return total;
}
