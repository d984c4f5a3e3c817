import { medianIndex } from "./forecast-rule.ts";

/** What the outputs of a forecast are. */
export interface ForecastShape<H> {
  /** Nearest first; `span` in microseconds where time is a timestamp, else in cycles. */
  readonly horizons: readonly { readonly horizon: H; readonly span: number }[];
  /** Ascending levels. */
  readonly quantiles: readonly number[];
}

/** The answer at one horizon. */
export interface ForecastPoint<H> {
  readonly horizon: H;
  readonly median: number;
  /** Level → value, ascending. */
  readonly quantiles: Record<string, number>;
}

/** Outputs of one row as answers by horizon. */
export function forecastPoints<H>(
  { horizons, quantiles }: ForecastShape<H>,
  values: Float64Array,
  offset: number,
): ForecastPoint<H>[] {
  const middle = medianIndex(quantiles);
  return horizons.map(({ horizon }, h) => {
    const own = values.subarray(offset + h * quantiles.length, offset + (h + 1) * quantiles.length);
    return {
      horizon,
      median: own[middle],
      quantiles: Object.fromEntries(quantiles.map((level, q) => [String(level), own[q]])),
    };
  });
}

/**
 * The answers with the time that each is about.
 *
 * @param at time of the reading that was scored: ISO 8601, or the cycle
 */
export function withTimes<P extends object>(
  points: readonly P[],
  at: string | number,
  { horizons }: Pick<ForecastShape<unknown>, "horizons">,
): (P & { readonly time: string | number })[] {
  return points.map((point, h) => {
    const { span } = horizons[h];
    const time = typeof at === "number" ? at + span : new Date(Date.parse(at) + span / 1_000).toISOString();
    return { ...point, time };
  });
}
