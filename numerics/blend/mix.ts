import { equalWeights, fitBlendWeights } from "./weights.ts";
import type { BlendParameters } from "./parameters.ts";

/** Out-of-fold answers of the members of a blend. */
export interface MixInput {
  /** What each answer should have been, as long as an answer: classes one-hot. */
  readonly truth: Float64Array;
  /** One per member, row-major (rows × outputs). */
  readonly answers: readonly Float64Array[];
  /** Fold of each row. */
  readonly fold: Int32Array;
  readonly weighting: BlendParameters["weighting"];
  /** Rows of one output whose right answer nobody knows: blended as the others of their fold. */
  readonly unjudged?: { readonly answers: readonly Float64Array[]; readonly fold: Int32Array };
}

export interface Mix {
  /** The blended out-of-fold answers; each row's shares are from the other folds. */
  readonly answer: Float64Array;
  /** Shares from all rows, for the final model. */
  readonly weights: readonly number[];
  /** Blended answers of the unjudged rows; empty without any. */
  readonly unjudged: Float64Array;
}

/**
 * Blends out-of-fold answers as the final blend will, without letting a row have a say in its own shares.
 *
 * @throws {RangeError} when lengths do not fit, or there is no row or member
 */
export function mixOutOfFold({ truth, answers, fold, weighting, unjudged }: MixInput): Mix {
  const nOutputs = truth.length / fold.length;
  const answer = new Float64Array(truth.length);
  const weights = weighting === "equal" ? equalWeights(answers.length) : fitBlendWeights(truth, answers);
  const folds = [...new Set(fold)];
  const others = new Float64Array(unjudged?.fold.length ?? 0);
  for (const own of folds) {
    const isOther = (_: number, at: number): boolean => fold[Math.floor(at / nOutputs)] !== own;
    const shares =
      weighting === "equal" || folds.length < 2
        ? weights
        : fitBlendWeights(
            truth.filter(isOther),
            answers.map((values) => values.filter(isOther)),
          );
    for (let at = 0; at < answer.length; at++) {
      if (isOther(0, at)) continue;
      for (let member = 0; member < answers.length; member++)
        answer[at] += shares[member] * answers[member][at];
    }
    unjudged?.fold.forEach((itsFold, row) => {
      if (itsFold === own) others[row] = sumShares(shares, unjudged.answers, row);
    });
  }
  unjudged?.fold.forEach((itsFold, row) => {
    if (!folds.includes(itsFold)) others[row] = sumShares(weights, unjudged.answers, row);
  });
  return { answer, weights, unjudged: others };
}

function sumShares(shares: readonly number[], answers: readonly Float64Array[], at: number): number {
  return answers.reduce((sum, values, member) => sum + shares[member] * values[at], 0);
}
