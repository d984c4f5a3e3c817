import { rowReference } from "./operator.ts";
import type { Operator } from "./operator.ts";

type CurrentArgs = { readonly column: string };

/** The reading itself (after expressions and regimes); missing where it is missing. Name: the column's own. */
export const currentOperator: Operator<"current", CurrentArgs> = {
  name: "current",
  needs: "row",
  expand: (params, context) =>
    context.numbers(params.columns, "columns").map(({ name, unit }) => ({
      name,
      kind: "number" as const,
      ...(unit === undefined ? {} : { unit }),
      args: { column: name },
    })),
  sql: ({ column }, plan) => plan.column(column),
  state: ({ column }) => ({ push: (row) => row.number(column) }),
  reference: (args, series, feature) => rowReference(series, currentOperator.state(args, feature)),
};
