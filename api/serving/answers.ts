import { intervalOf } from "../../numerics/conformal/interval-rule.ts";
import { forecastPoints, withTimes } from "../../numerics/forecast/forecast-points.ts";
import { medianIndex } from "../../numerics/forecast/forecast-rule.ts";
import type { ServedForecast, Signature } from "../../schemas/models/model-version.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { Prediction } from "../../schemas/serving/prediction.ts";

/** Turns rows of the output tensor into the words of the signature. */
export interface AnswerReader {
  /** One answer from `values` at `offset`. */
  read(predictionId: string, values: Float64Array, offset: number): Prediction;
  /** Value that index and lists show: regression value, probability, or index of the likeliest class. */
  headline(values: Float64Array, offset: number): number;
}

/** @throws {PlatformError} model_output_invalid when the graph gives another number of outputs than the signature needs */
export function createAnswerReader(signature: Signature, nOutputs: number): AnswerReader {
  const labels = signature.output.classLabels ?? [];
  switch (signature.problem) {
    case "regression": {
      checkOutputs(nOutputs === 1, "1", nOutputs);
      const { interval } = signature.output;
      return {
        read: (predictionId, values, at) => {
          const value = values[at] ?? NaN;
          return interval === undefined
            ? { predictionId, value }
            : {
                predictionId,
                value,
                interval: { ...intervalOf(interval, value, interval), level: interval.level },
              };
        },
        headline: (values, at) => values[at] ?? NaN,
      };
    }
    case "binary": {
      checkOutputs(nOutputs === 1 || nOutputs === 2, "1 or 2", nOutputs);
      const threshold = signature.output.threshold ?? 0.5;
      const positive = nOutputs - 1;
      return {
        read: (predictionId, values, at) => {
          const probability = values[at + positive] ?? NaN;
          return { predictionId, probability, decision: probability >= threshold };
        },
        headline: (values, at) => values[at + positive] ?? NaN,
      };
    }
    case "anomaly": {
      checkOutputs(nOutputs === 1, "1", nOutputs);
      const threshold = signature.output.threshold ?? Infinity;
      return {
        read: (predictionId, values, at) => {
          const score = values[at] ?? NaN;
          return { predictionId, score, decision: score >= threshold };
        },
        headline: (values, at) => values[at] ?? NaN,
      };
    }
    case "forecast":
      return forecastReader(signature, nOutputs);
    case "multiclass":
      checkOutputs(nOutputs === labels.length, String(labels.length), nOutputs);
      return {
        read: (predictionId, values, at) => ({
          predictionId,
          class: labels[likeliest(values, at, nOutputs)] ?? "",
          probabilities: Object.fromEntries(labels.map((label, i) => [label, values[at + i] ?? NaN])),
        }),
        headline: (values, at) => likeliest(values, at, nOutputs),
      };
  }
}

/** Quantiles horizon by horizon; their times are added where the time of the reading is known. */
function forecastReader({ output: { forecast } }: Signature, nOutputs: number): AnswerReader {
  const expected = (forecast?.horizons.length ?? 0) * (forecast?.quantiles.length ?? 0);
  checkOutputs(expected > 0 && nOutputs === expected, String(expected), nOutputs);
  const shape = forecast ?? { horizons: [], quantiles: [] };
  const middle = medianIndex(shape.quantiles);
  return {
    read: (predictionId, values, at) => ({ predictionId, forecast: forecastPoints(shape, values, at) }),
    headline: (values, at) => values[at + middle] ?? NaN,
  };
}

/** The answer with the time of the reading that was scored, and of each horizon of a forecast. */
export function answeredAt(
  prediction: Prediction,
  at: string | number,
  served: ServedForecast | undefined,
): Prediction {
  const { forecast } = prediction;
  if (forecast === undefined || served === undefined) return { ...prediction, at };
  return { ...prediction, at, forecast: withTimes(forecast, at, served) };
}

/**
 * Headline of stored outputs whose signature is not at hand: one output is the value or the probability, two are
 * those of the two classes, more are a class each.
 */
export function headlineOfOutputs(values: Float64Array): number {
  return values.length > 2 ? likeliest(values, 0, values.length) : (values.at(-1) ?? NaN);
}

/** Index of the largest value; the first one wins a tie. */
function likeliest(values: Float64Array, at: number, nOutputs: number): number {
  let best = 0;
  for (let i = 1; i < nOutputs; i++) if ((values[at + i] ?? NaN) > (values[at + best] ?? NaN)) best = i;
  return best;
}

function checkOutputs(isRight: boolean, expected: string, found: number): void {
  if (isRight) return;
  throw new PlatformError("model_output_invalid", `read answer: expected ${expected} outputs, got ${found}`);
}
