import { numberLiteral } from "../schemas/text/sql-quoting.ts";
import { MAX_MAGNITUDE } from "./clean-number.ts";

/** `CASE WHEN condition THEN value END`: missing unless the condition holds. */
export function onlyWhen(condition: string, value: string): string {
  return `CASE WHEN ${condition} THEN ${value} END`;
}

/** SQL of {@link cleanNumber}: NULL for what is no usable number (NaN sorts above all numbers, so it fails too). */
export function cleanSql(expression: string): string {
  return onlyWhen(`abs(${expression}) < ${numberLiteral(MAX_MAGNITUDE)}`, expression);
}
