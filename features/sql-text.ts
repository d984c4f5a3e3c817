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

/** Far more than summing up equal values gets wrong, far less than 1e-9. */
const MEAN_ROUNDING = "1.4210854715202004e-14";

/**
 * A mean of values of which one is known: where all are equal it is that one, to the bit. A sum of them is not always so many
 * times the value.
 */
export function meanSql(mean: string, known: string): string {
  return `CASE WHEN abs(${mean} - ${known}) <= ${MEAN_ROUNDING} * abs(${known}) THEN ${known} ELSE ${mean} END`;
}
