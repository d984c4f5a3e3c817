import { numberLiteral } from "../../schemas/text/sql-quoting.ts";
import type { Formula, FormulaFunction } from "./formula.ts";

/**
 * A formula as SQL over doubles; NULL = missing.
 *
 * Each argument is written once, so that the text grows no faster than the formula. What would need a second
 * mention is done by values no double operand has: −∞ for a missing argument of min, +∞ of max.
 *
 * @param column SQL of a name
 */
export function formulaSql(formula: Formula, column: (name: string) => string): string {
  switch (formula.kind) {
    case "number":
      return numberLiteral(formula.value);
    case "name":
      return column(formula.name);
    case "negate":
      return `(-${formulaSql(formula.operand, column)})`;
    case "binary": {
      const left = formulaSql(formula.left, column);
      const right = formulaSql(formula.right, column);
      return formula.operator === "/"
        ? `(${left} / nullif(${right}, 0e0))`
        : `(${left} ${formula.operator} ${right})`;
    }
    case "call":
      return callSql(
        formula.callee,
        formula.args.map((arg) => formulaSql(arg, column)),
      );
    default:
      return formula satisfies never;
  }
}

const INFINITY_SQL = "'infinity'::DOUBLE";

function callSql(callee: FormulaFunction, args: readonly string[]): string {
  const [first = "NULL"] = args;
  switch (callee) {
    case "abs":
      return `abs(${first})`;
    case "log":
      // ≤ 0 becomes 0, 0 becomes missing; so does a missing argument, which greatest() skips.
      return `ln(nullif(greatest(${first}, 0e0), 0e0))`;
    case "sqrt":
      // Every negative double is at most −5e-324, the greatest of them.
      return `sqrt(nullif(greatest(${first}, -5e-324), -5e-324))`;
    case "min":
      return extremeSql("least", `-${INFINITY_SQL}`, args);
    case "max":
      return extremeSql("greatest", INFINITY_SQL, args);
    default:
      return callee satisfies never;
  }
}

/** least() and greatest() skip NULL; a missing argument must win instead, and make the result missing. */
function extremeSql(call: "least" | "greatest", missing: string, args: readonly string[]): string {
  const known = args.map((arg) => `coalesce(${arg}, ${missing})`);
  return `nullif(${call}(${known.join(", ")}), ${missing})`;
}
