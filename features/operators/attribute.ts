import { quoteIdentifier } from "../../schemas/text/sql-quoting.ts";
import { cleanNumber } from "../clean-number.ts";
import { cleanSql } from "../sql-text.ts";
import { rowReference } from "./operator.ts";
import type { Operator } from "./operator.ts";

type AttributeArgs = {
  readonly source: string;
  readonly column: string;
  readonly physical: string;
  readonly isText: boolean;
};

/**
 * A property of the asset (model, year, rating): a number, or the code of a text. Missing for assets without a row;
 * of several rows of one asset the last one counts.
 */
export const attributeOperator: Operator<"attribute", AttributeArgs> = {
  name: "attribute",
  needs: "row",
  expand: (params, context) =>
    context.attributes(params.source, params.columns, "columns").map(({ name, unit, physical, isText }) => ({
      name,
      kind: isText ? ("category" as const) : ("number" as const),
      ...(unit === undefined ? {} : { unit }),
      args: { source: params.source, column: name, physical, isText },
    })),
  sql({ source, physical, isText }, plan, feature) {
    const value = quoteIdentifier(physical);
    const joined = plan.join(
      (name) =>
        `LEFT JOIN (SELECT __asset, arg_max(${value}, __seq) AS value FROM ${plan.table(source)} GROUP BY __asset)` +
        ` AS ${name} ON b.__asset = ${name}.__asset`,
    );
    return isText ? plan.code(feature, `${joined}.value`) : cleanSql(`${joined}.value`);
  },
  state: ({ source, column, isText }, feature) => ({
    push(row) {
      const value = row.attribute(source, column);
      if (isText) return row.code(feature, value === null ? null : String(value));
      return typeof value === "number" ? cleanNumber(value) : Number.NaN;
    },
  }),
  reference: (args, series, feature) => rowReference(series, attributeOperator.state(args, feature)),
};
