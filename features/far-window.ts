import type { SqlPlan } from "./sql-plan.ts";
import type { WindowSpan } from "./windows/window-span.ts";

/**
 * A spread below this share of the distance from the first value loses digits to that distance: doubles that far away are 2⁻⁵² of it
 * apart, which leaves 2⁻³² of the spread, 2.3e-10.
 */
const FAR = "9.5367431640625e-7";

/** The spread of values in a window, taken about a first value, and what it is worth. */
export interface Spread {
  readonly std: string;
  /** Too small beside the distance from the first value to be told well, or to be told from none. */
  readonly isFar: string;
  /** Of values that are all equal; where not far. */
  readonly isFlat: string;
}

/**
 * Of a column. That it does not vary is known by its changes, and not by its spread: equal differences from a far value need not be of
 * equal values, and what is left of adding up equal ones need not be nothing.
 *
 * @param rows  further columns that must have a value for a row to count
 */
export function spreadOf(
  plan: SqlPlan,
  column: string,
  { window, rows = [] }: { readonly window: WindowSpan; readonly rows?: readonly string[] },
): Spread & { readonly term: string } {
  const frame = plan.frame(window);
  const only = (value: string) =>
    rows.length === 0
      ? value
      : `CASE WHEN ${rows.map((name) => `${plan.column(name)} IS NOT NULL`).join(" AND ")} THEN ${value} END`;
  const term = plan.term(only(`${plan.column(column)} - ${plan.offset(column)}`));
  const value = rows.length === 0 ? plan.column(column) : plan.term(only(plan.column(column)));
  const spread = plan.window(`stddev_samp(${term})`, frame);
  const mean = plan.window(`avg(${value})`, frame);
  const isFlat = plan.isConstant(column, window);
  return {
    term,
    std: `CASE WHEN ${isFlat} AND ${spread} IS NOT NULL THEN 0e0 ELSE ${spread} END`,
    isFlat,
    isFar: `(${spread} < ${FAR} * abs(${mean} - ${plan.offset(column)}) AND NOT ${isFlat})`,
  };
}

/** Of whole numbers that are exact at any distance, such as times. */
export function spreadOfExact(plan: SqlPlan, term: string, frame: string): Spread {
  const std = plan.window(`stddev_samp(${term})`, frame);
  const mean = plan.window(`avg(${term})`, frame);
  const isFlat = `${std} = 0`;
  return { std, isFlat, isFar: `(${std} < ${FAR} * abs(${mean}) AND NOT ${isFlat})` };
}
