import type { Formula } from "./formula.ts";

/**
 * Value of a formula; NaN = missing. Division by zero, log of ≤ 0, sqrt of < 0 and a missing operand give missing;
 * a result that is not finite is missing.
 *
 * @param valueOf value of a name, NaN = missing
 */
export function evaluateFormula(formula: Formula, valueOf: (name: string) => number): number {
  const value = evaluate(formula, valueOf);
  return Number.isFinite(value) ? value : Number.NaN;
}

function evaluate(formula: Formula, valueOf: (name: string) => number): number {
  switch (formula.kind) {
    case "number":
      return formula.value;
    case "name":
      return valueOf(formula.name);
    case "negate":
      return -evaluate(formula.operand, valueOf);
    case "binary":
      return arithmetic(formula.operator, evaluate(formula.left, valueOf), evaluate(formula.right, valueOf));
    case "call":
      return call(
        formula.callee,
        formula.args.map((arg) => evaluate(arg, valueOf)),
      );
    default:
      return formula satisfies never;
  }
}

function arithmetic(operator: "+" | "-" | "*" | "/", left: number, right: number): number {
  if (operator === "+") return left + right;
  if (operator === "-") return left - right;
  if (operator === "*") return left * right;
  return right === 0 ? Number.NaN : left / right;
}

function call(callee: string, args: readonly number[]): number {
  const [first = Number.NaN] = args;
  if (callee === "abs") return Math.abs(first);
  if (callee === "log") return first > 0 ? Math.log(first) : Number.NaN;
  if (callee === "sqrt") return Math.sqrt(first);
  const extreme = callee === "min" ? Math.min(...args) : Math.max(...args);
  // The SQL form uses this infinity for "missing"; an overflow that reaches here is missing there too.
  return extreme === (callee === "min" ? -Infinity : Infinity) ? Number.NaN : extreme;
}
