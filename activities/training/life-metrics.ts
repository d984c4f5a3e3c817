import { censoringWeightedError, lifeLoss } from "../../numerics/metrics/censored-error.ts";
import { concordanceIndex } from "../../numerics/metrics/concordance.ts";
import type { MetricSet } from "../../schemas/model-version.ts";
import type { Problem } from "./problem.ts";

/** Answers for rows whose life is only known to exceed a bound; both of one length. */
export interface CensoredAnswers {
  readonly least: Float64Array;
  readonly prediction: Float64Array;
}

const NONE: CensoredAnswers = { least: new Float64Array(), prediction: new Float64Array() };

/**
 * The metrics in which lives that have not ended count: how well answers order lives, how likely they make all that is
 * known, and the error of the known ones weighed by how often lives of their length are known.
 *
 * @returns nothing for other tasks; no `concordance` where no pair of lives has a known order, and it alone where all lives
 *   are known and none of the others decides
 */
export function lifeMetrics(
  { metricTask, primaryMetric }: Pick<Problem, "metricTask" | "primaryMetric">,
  known: { readonly truth: Float64Array; readonly prediction: Float64Array },
  { least, prediction }: CensoredAnswers = NONE,
): MetricSet {
  if (metricTask !== "rul") return {};
  const nKnown = known.truth.length;
  const concordance = concordanceIndex({
    lives: joined(known.truth, least),
    predictions: joined(known.prediction, prediction),
    isBound: Uint8Array.from({ length: nKnown + least.length }, (_, row) => (row < nKnown ? 0 : 1)),
  });
  return {
    ...(Number.isNaN(concordance) ? {} : { concordance }),
    ...(least.length > 0 || primaryMetric === "rmseIpcw" || primaryMetric === "lifeLoss"
      ? {
          rmseIpcw: censoringWeightedError({ ...known, bounds: least }),
          lifeLoss: lifeLoss(known, { bounds: least, prediction }),
        }
      : {}),
  };
}

function joined(a: Float64Array, b: Float64Array): Float64Array {
  const all = new Float64Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
