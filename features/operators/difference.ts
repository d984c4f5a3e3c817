import { lagState } from "./lag.ts";
import type { Operator } from "./operator.ts";

type DifferenceArgs = { readonly column: string; readonly steps: number };

/** The value minus the one `steps` readings earlier; missing where either is. */
export const differenceOperator: Operator<"difference", DifferenceArgs> = {
  name: "difference",
  needs: "series",
  expand: (params, context) =>
    context.numbers(params.columns, "columns").flatMap(({ name, unit }) =>
      params.steps.map((steps) => ({
        name: `${name}_diff_${steps}`,
        kind: "number" as const,
        ...(unit === undefined ? {} : { unit }),
        args: { column: name, steps },
      })),
    ),
  sql: ({ column, steps }, plan) =>
    `${plan.column(column)} - ${plan.window(`lag(${plan.column(column)}, ${steps})`)}`,
  state(args) {
    const lag = lagState(args);
    return { push: (row) => row.number(args.column) - lag.push(row) };
  },
  reference({ column, steps }, series) {
    const values = series.numbers(column);
    return values.map((value, i) => value - (values[i - steps] ?? Number.NaN));
  },
};
