/** Arithmetic as a tree. `min` and `max` take two or more, the other functions one argument. */
export type Formula =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "negate"; readonly operand: Formula }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Formula;
      readonly right: Formula;
    }
  | { readonly kind: "call"; readonly callee: FormulaFunction; readonly args: readonly Formula[] };

export type BinaryOperator = "+" | "-" | "*" | "/";
export type FormulaFunction = "abs" | "log" | "sqrt" | "min" | "max";

/** Least and greatest number of arguments. */
export const FUNCTION_ARITY: Readonly<Record<FormulaFunction, readonly [number, number]>> = {
  abs: [1, 1],
  log: [1, 1],
  sqrt: [1, 1],
  min: [2, 16],
  max: [2, 16],
};
