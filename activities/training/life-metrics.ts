import { censoringWeightedError, lifeLoss } from "../../numerics/metrics/censored-error.ts";
import { concordanceIndex } from "../../numerics/metrics/concordance.ts";
import type { MetricSet } from "../../schemas/models/model-version.ts";
import type { Problem } from "./problem.ts";

/** Answers for rows whose life is only known to exceed a bound; both of one length. */
export interface CensoredAnswers {
  readonly least: Float64Array;
  readonly prediction: Float64Array;
}

const NONE: CensoredAnswers = { least: new Float64Array(), prediction: new Float64Array() };

/** Rows whose order is judged; of more an even sample, as sorting would take longer than some trainings. */
const MOST_ORDERED = 200_000;

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
  const step = Math.max(1, Math.ceil((nKnown + least.length) / MOST_ORDERED));
  const spread = <Values extends Float64Array | Uint8Array>(values: Values): Values =>
    step === 1 ? values : (values.filter((_, row) => row % step === 0) as Values);
  const concordance = concordanceIndex({
    lives: spread(joined(known.truth, least)),
    predictions: spread(joined(known.prediction, prediction)),
    isBound: spread(Uint8Array.from({ length: nKnown + least.length }, (_, row) => (row < nKnown ? 0 : 1))),
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
