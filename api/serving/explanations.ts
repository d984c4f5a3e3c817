import type { Logger } from "pino";
import { medianIndex } from "../../numerics/forecast/forecast-rule.ts";
import { ExplainerThread } from "../../inference/explanation/explainer-thread.ts";
import type { ExplainedModel } from "../../inference/explanation/explainer-thread.ts";
import type { ExplainedRows } from "../../inference/explanation/messages.ts";
import type { AnswerExplanation, AnswerStep } from "../../schemas/serving/explanation.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { Signature } from "../../schemas/models/model-version.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "../../stores/objects/port.ts";

/** Rows explained in one request: each costs about as much as many predictions. */
export const MAX_EXPLAINED_ROWS = 100;
/** Largest explanation document. */
const MAX_BYTES = 256 * 2 ** 20;
/** Champions whose explanations are made ready before anybody asks. */
const MAX_PREPARED = 8;

/** A version and where its explanation file lies. */
export interface ExplainableVersion {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly signature: Signature;
  /** Absent in versions that were made elsewhere or by an earlier release. */
  readonly explanation?: ObjectRef;
}

/** Explains answers of versions, beside the children that give them. */
export class Explanations {
  readonly #objects: ObjectStore;
  readonly #logger: Logger;
  /** Digest of the last version that came to serve, by model. */
  readonly #prepared = new Map<string, string>();
  readonly #thread = new ExplainerThread({ maxModels: MAX_PREPARED });

  constructor({ objects, logger }: { readonly objects: ObjectStore; readonly logger: Logger }) {
    this.#objects = objects;
    this.#logger = logger;
  }

  /**
   * Contributions of rows of the input tensor.
   *
   * @throws {PlatformError} not_explainable, invalid_query (too many rows), and what the thread throws
   */
  async explain(version: ExplainableVersion, rows: Float64Array, nRows: number): Promise<ExplainedRows> {
    if (nRows > MAX_EXPLAINED_ROWS) {
      throw new PlatformError(
        "invalid_query",
        `explain: expected at most ${MAX_EXPLAINED_ROWS} rows, got ${nRows}`,
        { locations: [{ field: "explain", expected: `at most ${MAX_EXPLAINED_ROWS} rows` }] },
      );
    }
    return this.#thread.explain(this.#modelOf(version), rows, nRows);
  }

  /** Reads a version and explains its golden rows, so that the first one who asks does not wait. Never throws. */
  async prepare(
    version: ExplainableVersion,
    golden: { readonly rows: Float64Array; readonly nRows: number },
  ) {
    const before = this.#prepared.get(version.model);
    // Promotions must not pile up models; an answer of the past reads its version anew.
    if (before !== undefined && before !== version.digest) this.#thread.drop(before);
    this.#prepared.set(version.model, version.digest);
    // More than the thread holds would only push each other out; the rest are read when they are asked for.
    if (version.explanation === undefined || this.#prepared.size > MAX_PREPARED) return;
    try {
      await this.explain(version, golden.rows, Math.min(golden.nRows, MAX_EXPLAINED_ROWS));
    } catch (err) {
      const { model, digest } = version;
      this.#logger.warn({ model, digest, err }, "explanations could not be prepared");
    }
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  #modelOf({ model, version, digest, explanation, signature }: ExplainableVersion): ExplainedModel {
    if (explanation === undefined) {
      throw new PlatformError("not_explainable", `explain [${model}@${version}]: it has no explanation file`);
    }
    const read = (): Promise<Uint8Array> => this.#objects.get(explanation, MAX_BYTES);
    return { key: digest, nFeatures: signature.inputs.length, read };
  }
}

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
