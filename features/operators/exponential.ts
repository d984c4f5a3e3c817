/**
 * Exponentially weighted mean, adjusted: recent readings count more, and the weights are normalised over the
 * readings there are, so the first value is the first reading.
 *
 *   y(i) = Σ w(i−j) x(j) / Σ w(i−j),   w(k) = 2^(−k / halfLife),   j ≤ i with a value
 *
 * k counts readings, those without a value included. The feature is missing when none of the last H = ⌈64 h⌉ readings has a
 * value: what it says then rests on values older than that, and a state that was rebuilt from recent readings alone would
 * not know them. So that of 2 H readings it is the same as of all: what is older than the newest value by more than H
 * weighs less than 2⁻⁶⁴ beside it.
 *
 * A recursion cannot be written as a SQL window, and Σ 2^(j/h) x(j) overflows on long series; so SQL takes the sum in blocks of
 * 2 H readings with weights that start anew at each block, over the present block and the one before.
 */
import { numberLiteral } from "../../schemas/text/sql-quoting.ts";
import { meanSql, onlyWhen } from "../sql-text.ts";
import type { SqlPlan } from "../sql-plan.ts";
import type { FeatureState, Operator } from "./operator.ts";

type ExponentialArgs = { readonly column: string; readonly halfLife: number };

/** After so many half-lives without any value there is none; what is older than the newest value by as many is never seen. */
export const FORGOTTEN_HALF_LIVES = 64;

const forgottenAfter = (halfLife: number): number => Math.ceil(FORGOTTEN_HALF_LIVES * halfLife);

export const exponentialOperator: Operator<"exponential", ExponentialArgs> = {
  name: "exponential",
  needs: "series",
  expand: (params, context) =>
    context.numbers(params.columns, "columns").flatMap(({ name, unit }) =>
      params.halfLives.map((halfLife) => ({
        name: `${name}_ewm_${halfLife}`,
        kind: "number" as const,
        ...(unit === undefined ? {} : { unit }),
        args: { column: name, halfLife },
      })),
    ),
  sql: exponentialSql,
  state: (args) => exponentialState(args),
  reference({ column, halfLife }, series) {
    const values = series.numbers(column);
    const forgotten = forgottenAfter(halfLife);
    return values.map((_, i) => {
      const newest = values.subarray(0, i + 1).findLastIndex((value) => !Number.isNaN(value));
      if (newest < 0 || i - newest >= forgotten) return Number.NaN;
      const last = values[newest] ?? 0;
      let sum = 0;
      let weights = 0;
      for (let j = 0; j <= newest; j++) {
        const value = values[j] ?? Number.NaN;
        if (Number.isNaN(value)) continue;
        const weight = 2 ** ((j - newest) / halfLife);
        sum += weight * (value - last);
        weights += weight;
      }
      return last + sum / weights;
    });
  },
};

function exponentialSql({ column, halfLife }: ExponentialArgs, plan: SqlPlan): string {
  const forgotten = forgottenAfter(halfLife);
  const block = 2 * forgotten;
  const value = plan.column(column);
  const place = plan.term(`${plan.index()} % ${block}`);
  const power = `pow(2e0, (${plan.index()} % ${block}) / ${numberLiteral(halfLife)})`;
  const weight = plan.term(onlyWhen(`${value} IS NOT NULL`, power));
  const weighted = plan.term(`${value} * ${power}`);
  const present = `ROWS BETWEEN ${place} PRECEDING AND CURRENT ROW`;
  const before = `ROWS BETWEEN ${place} + ${block} PRECEDING AND ${place} + 1 PRECEDING`;
  const fade = `pow(2e0, ${-block} / ${numberLiteral(halfLife)})`;
  const total = (term: string) =>
    `(coalesce(${plan.window(`sum(${term})`, present)}, 0) + coalesce(${plan.window(`sum(${term})`, before)}, 0) * ${fade})`;
  const newest = plan.window(`last_value(${value} IGNORE NULLS)`, plan.soFar());
  const newestIndex = plan.window(
    `last_value(${plan.term(onlyWhen(`${value} IS NOT NULL`, plan.index()))} IGNORE NULLS)`,
    plan.soFar(),
  );
  return onlyWhen(
    `${plan.index()} - ${newestIndex} < ${forgotten}`,
    meanSql(plan.fold(`${total(weighted)} / ${total(weight)}`), newest),
  );
}

function exponentialState({ column, halfLife }: ExponentialArgs): FeatureState {
  const forgotten = forgottenAfter(halfLife);
  let mean = Number.NaN;
  /** Σ of weights as they were at the newest value. */
  let weights = 0;
  /** Readings without a value behind the newest one. */
  let nSilent = 0;
  return {
    push(row) {
      const value = row.number(column);
      if (Number.isNaN(value)) return ++nSilent < forgotten ? mean : Number.NaN;
      const older = weights * 2 ** (-(nSilent + 1) / halfLife);
      weights = older + 1;
      // From the value and not from the mean: what hardly counts any more must not leave its rounding behind.
      mean = Number.isNaN(mean) ? value : value + (mean - value) * (older / weights);
      nSilent = 0;
      return mean;
    },
    save: () => [nSilent, weights, mean],
    load([silent, saved, known]) {
      nSilent = silent ?? 0;
      weights = saved ?? 0;
      mean = known ?? Number.NaN;
    },
  };
}
