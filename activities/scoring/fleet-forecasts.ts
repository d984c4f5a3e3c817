import { crossingProbability } from "../../numerics/forecast/crossing.ts";
import { forecastPoints, withTimes } from "../../numerics/forecast/forecast-points.ts";
import type { ServedForecast, Signature } from "../../schemas/models/model-version.ts";
import type { RankedAsset } from "../../schemas/serving/score.ts";
import type { FeatureTable } from "../features/feature-table.ts";

/** What a fleet whose values are forecast has beyond its ranking. */
export interface FleetForecasts {
  /** No limit is declared to rank by. */
  readonly isByName: boolean;
  /** Whether the column has a value at this row of the table: a forecast begins there. */
  readonly hasStart: (row: number) => boolean;
  /** Answer of the i-th scored row, whose reading is of the given time, and how likely it crosses the limit. */
  readonly answer: (i: number, at: string) => Pick<RankedAsset, "forecast" | "risk">;
}

/** @returns undefined for other models */
export function fleetForecasts(given: {
  readonly table: FeatureTable;
  readonly signature: Signature;
  readonly outputs?: Float64Array;
}): FleetForecasts | undefined {
  const { table, signature, outputs } = given;
  const { forecast } = signature.output;
  if (forecast === undefined || outputs === undefined) return undefined;
  const { data, nColumns } = table.matrix;
  const column = signature.inputs.findIndex(({ name }) => name === forecast.anchor);
  const nOutputs = forecast.horizons.length * forecast.quantiles.length;
  return {
    isByName: forecast.limit === undefined,
    hasStart: (row) => !Number.isNaN(data[row * nColumns + column]),
    answer: (i, at) => {
      const points = forecastPoints(forecast, outputs, i * nOutputs);
      const from = forecast.timeKind === "cycle" ? Number(at) : at;
      return {
        forecast: withTimes(points, from, forecast),
        risk: riskOf(forecast, outputs.subarray(i * nOutputs, (i + 1) * nOutputs)),
      };
    },
  };
}

/** At the horizon where it is likeliest; null without a limit. */
function riskOf({ limit, quantiles, horizons }: ServedForecast, outputs: Float64Array): number | null {
  if (limit === undefined) return null;
  const n = quantiles.length;
  return horizons.reduce(
    (most, _, h) =>
      Math.max(most, crossingProbability(outputs.subarray(h * n, (h + 1) * n), quantiles, limit)),
    0,
  );
}
