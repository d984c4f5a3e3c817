import type { FeatureState, Operator, StateRow } from "./operator.ts";

type LagArgs = { readonly column: string; readonly steps: number };

/**
 * The value `steps` readings earlier; missing where that reading has no value or there is none so early.
 * Readings are counted, not time, and a reading without a value counts.
 */
export const lagOperator: Operator<"lag", LagArgs> = {
  name: "lag",
  needs: "series",
  expand: (params, context) =>
    context.numbers(params.columns, "columns").flatMap(({ name, unit }) =>
      params.steps.map((steps) => ({
        name: `${name}_lag_${steps}`,
        kind: "number" as const,
        ...(unit === undefined ? {} : { unit }),
        args: { column: name, steps },
      })),
    ),
  sql: ({ column, steps }, plan) => plan.window(`lag(${plan.column(column)}, ${steps})`),
  state: (args) => lagState(args),
  reference: ({ column, steps }, series) =>
    Float64Array.from({ length: series.nRows }, (_, i) => series.numbers(column)[i - steps] ?? Number.NaN),
};

/** Ring of the last `steps` values. */
export function lagState({ column, steps }: LagArgs): FeatureState {
  const ring = new Float64Array(steps).fill(Number.NaN);
  let at = 0;
  return {
    push(row: StateRow) {
      const earlier = ring[at] ?? Number.NaN;
      ring[at] = row.number(column);
      at = (at + 1) % steps;
      return earlier;
    },
  };
}
