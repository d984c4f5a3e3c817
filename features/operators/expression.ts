import { evaluateFormula } from "../expression/evaluate.ts";
import { formulaNames, parseFormula } from "../expression/parser.ts";
import { formulaSql } from "../expression/formula-sql.ts";
import { rowReference } from "./operator.ts";
import type { Operator } from "./operator.ts";

type ExpressionArgs =
  | { readonly column: string }
  | { readonly formula: string; readonly columns: readonly string[] };

/**
 * Arithmetic over columns, and over features declared before it. An expression over columns alone is also a column
 * of its own that later operators may use; one that names a feature is a feature only.
 */
export const expressionOperator: Operator<"expression", ExpressionArgs> = {
  name: "expression",
  needs: "row",
  expand(params, context) {
    const { name, formula, unit } = params;
    const parsed = parseFormula(formula, (message) =>
      context.fail("formula", message.expected, message.found),
    );
    const names = formulaNames(parsed);
    for (const used of names)
      if (!context.isColumn(used) && !context.isFeature(used)) context.unknown(used, "formula");
    const columns = names.filter((used) => context.isColumn(used));
    const isOverColumns = columns.length === names.length;
    if (isOverColumns) context.defineColumn(name, formula, unit);
    else if (!params.feature)
      context.fail(
        "feature",
        "true: this expression uses features, so no other operator can use it",
        "false",
      );
    if (!params.feature) return [];
    const args = isOverColumns ? { column: name } : { formula, columns };
    return [{ name, kind: "number", ...(unit === undefined ? {} : { unit }), args }];
  },
  sql(args, plan) {
    if ("column" in args) return plan.column(args.column);
    const isColumn = new Set(args.columns);
    return formulaSql(parseFormula(args.formula), (name) =>
      isColumn.has(name) ? plan.column(name) : plan.feature(name),
    );
  },
  state(args) {
    if ("column" in args) return { push: (row) => row.number(args.column) };
    const formula = parseFormula(args.formula);
    const isColumn = new Set(args.columns);
    return {
      push: (row) =>
        evaluateFormula(formula, (name) => (isColumn.has(name) ? row.number(name) : row.feature(name))),
    };
  },
  reference: (args, series, feature) => rowReference(series, expressionOperator.state(args, feature)),
};
