import { medianIndex } from "../../numerics/forecast/forecast-rule.ts";
import type { Signature } from "../../schemas/models/model-version.ts";
import type { AnswerExplanation, AnswerStep } from "../../schemas/serving/explanation.ts";
import type { ExplainedRows } from "./messages.ts";

/**
 * The output that is explained: of several classes the likeliest, of a forecast the median at the nearest horizon.
 *
 * @param headline of the answer; of several classes the index of the likeliest
 */
export function explainedOutput({ problem, output }: Signature, headline: number): number {
  if (output.forecast !== undefined) return medianIndex(output.forecast.quantiles);
  return problem === "multiclass" ? headline : 0;
}

/**
 * The largest contributions to one answer in words of the signature.
 *
 * @param at     the row, and which of several classes
 * @param values the row of the input tensor
 * @param limit  contributions listed
 */
export function describeExplanation(
  signature: Signature,
  explained: ExplainedRows,
  {
    row,
    output,
    values,
    limit,
  }: {
    readonly row: number;
    readonly output: number;
    readonly values: Float64Array;
    readonly limit: number;
  },
): AnswerExplanation {
  const { nFeatures, nOutputs } = explained;
  const place = row * nOutputs + output;
  const own = explained.contributions.subarray(place * nFeatures, (place + 1) * nFeatures);
  const order = Array.from(own.keys()).sort(
    (a, b) => Math.abs(own[b] as number) - Math.abs(own[a] as number) || a - b,
  );
  const isListed = (feature: number): boolean => own[feature] !== 0;
  const listed = order.slice(0, limit).filter(isListed);
  const horizon = signature.output.forecast?.horizons[0]?.horizon;
  const label = nOutputs > 1 ? signature.output.classLabels?.[output] : undefined;
  return {
    unit: unitOf(signature, explained),
    before: stepsOf(signature, explained),
    ...(label === undefined ? {} : { class: label }),
    ...(horizon === undefined ? {} : { horizon }),
    expected: explained.expected[output] ?? NaN,
    rawScore: explained.rawScores[place] ?? NaN,
    contributions: listed.map((feature) => describeFeature(signature, feature, values, own)),
    others: order.slice(listed.length).reduce((sum, feature) => sum + (own[feature] ?? 0), 0),
  };
}

function describeFeature(
  { inputs }: Signature,
  feature: number,
  values: Float64Array,
  contributions: Float64Array,
): AnswerExplanation["contributions"][number] {
  const input = inputs[feature];
  const value = values[feature] ?? NaN;
  const shown = input?.kind === "category" ? (input.values?.[value] ?? null) : value;
  return {
    feature: input?.name ?? "",
    value: Number.isNaN(value) ? null : shown,
    ...(input?.unit === undefined ? {} : { unit: input.unit }),
    contribution: contributions[feature] ?? NaN,
  };
}

/** Forests and blends answer in probabilities, without a step between. */
function unitOf({ problem, output }: Signature, { postTransform }: ExplainedRows): string {
  if (postTransform === "sigmoid" || postTransform === "softmax") return "log_odds";
  if (problem === "anomaly") return postTransform === "exponential" ? "log_score" : "score";
  return problem === "regression" || problem === "forecast" ? (output.unit ?? "answer") : "probability";
}

const FORECAST_STEPS = ["conformal_offset", "present_value", "sorted_quantiles"] as const;

function stepsOf(
  { problem }: Signature,
  { postTransform, isCalibrated, nOutputs }: ExplainedRows,
): AnswerStep[] {
  return [
    ...(postTransform === "sigmoid" || postTransform === "softmax" || postTransform === "exponential"
      ? [postTransform]
      : []),
    ...(postTransform === "probability" && nOutputs > 1 ? ["shares" as const] : []),
    ...(problem === "forecast" ? FORECAST_STEPS : []),
    ...(isCalibrated
      ? [nOutputs > 1 ? ("class_calibration" as const) : ("isotonic_calibration" as const)]
      : []),
    ...(problem === "regression" || postTransform === "probability" ? ["cap" as const] : []),
  ];
}
