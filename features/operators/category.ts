import { rowReference } from "./operator.ts";
import type { Operator } from "./operator.ts";

type CategoryArgs = { readonly column: string };

/**
 * A text column as the code of its value: its place among the values seen in training, in code-unit order.
 * A value not seen in training is missing, as is a missing one.
 */
export const categoryOperator: Operator<"category", CategoryArgs> = {
  name: "category",
  needs: "row",
  expand: (params, context) =>
    context.categories(params.columns, "columns").map(({ name }) => ({
      name,
      kind: "category" as const,
      args: { column: name },
    })),
  sql: ({ column }, plan, feature) => plan.code(feature, plan.text(column)),
  state: ({ column }, feature) => ({ push: (row) => row.code(feature, row.text(column)) }),
  reference: (args, series, feature) => rowReference(series, categoryOperator.state(args, feature)),
};
