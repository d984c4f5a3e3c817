/**
 * Exponentially weighted mean, adjusted: recent readings count more, and the weights are normalised over the
 * readings there are, so the first value is the first reading.
 *
 *   y(i) = Σ w(i−j) x(j) / Σ w(i−j),   w(k) = 2^(−k / halfLife),   j ≤ i with a value
 *
 * k counts readings, those without a value included. A recursion cannot be written as a SQL window, and
 * Σ 2^(j/h) x(j) overflows on long series; so the sum is taken in blocks of B = ⌈64 h⌉ readings with weights that
 * start anew at each block, over the present block and the one before. What is older weighs less than 2⁻⁶⁴ and is
 * left out in all three executions; after more than two blocks without any value the feature is missing.
 */
import { numberLiteral } from "../../schemas/text/sql-quoting.ts";
import { onlyWhen } from "../sql-text.ts";
import type { SqlPlan } from "../sql-plan.ts";
import type { FeatureState, Operator } from "./operator.ts";

type ExponentialArgs = { readonly column: string; readonly halfLife: number };

const HALF_LIVES_PER_BLOCK = 64;

function blockOf(halfLife: number): number {
  return Math.ceil(HALF_LIVES_PER_BLOCK * halfLife);
}

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
    const block = blockOf(halfLife);
    const shift = values.find((v) => !Number.isNaN(v)) ?? 0;
    return values.map((_, i) => {
      const start = Math.max(0, (Math.floor(i / block) - 1) * block);
      let sum = 0;
      let weights = 0;
      for (let j = start; j <= i; j++) {
        const value = values[j] ?? Number.NaN;
        if (Number.isNaN(value)) continue;
        const weight = 2 ** ((j - i) / halfLife);
        sum += weight * (value - shift);
        weights += weight;
      }
      return weights === 0 ? Number.NaN : shift + sum / weights;
    });
  },
};

function exponentialSql({ column, halfLife }: ExponentialArgs, plan: SqlPlan): string {
  const block = blockOf(halfLife);
  const place = plan.term(`${plan.index()} % ${block}`);
  const weight = plan.term(
    onlyWhen(
      `${plan.column(column)} IS NOT NULL`,
      `pow(2e0, (${plan.index()} % ${block}) / ${numberLiteral(halfLife)})`,
    ),
  );
  const weighted = plan.term(
    `(${plan.column(column)} - ${plan.offset(column)}) * pow(2e0, (${plan.index()} % ${block}) / ${numberLiteral(halfLife)})`,
  );
  const present = `ROWS BETWEEN ${place} PRECEDING AND CURRENT ROW`;
  const before = `ROWS BETWEEN ${place} + ${block} PRECEDING AND ${place} + 1 PRECEDING`;
  const fade = `pow(2e0, ${-block} / ${numberLiteral(halfLife)})`;
  const total = (term: string) =>
    `(coalesce(${plan.window(`sum(${term})`, present)}, 0) + coalesce(${plan.window(`sum(${term})`, before)}, 0) * ${fade})`;
  return `${plan.offset(column)} + ${total(weighted)} / nullif(${total(weight)}, 0)`;
}

function exponentialState({ column, halfLife }: ExponentialArgs): FeatureState {
  const block = blockOf(halfLife);
  const fade = 2 ** (-block / halfLife);
  let offset = Number.NaN;
  let present = { sum: 0, weights: 0 };
  let before = { sum: 0, weights: 0 };
  let nSeen = 0;
  return {
    push(row) {
      const place = nSeen++ % block;
      if (place === 0) {
        before = present;
        present = { sum: 0, weights: 0 };
      }
      const value = row.number(column);
      if (!Number.isNaN(value)) {
        if (Number.isNaN(offset)) offset = value;
        const weight = 2 ** (place / halfLife);
        present.sum += (value - offset) * weight;
        present.weights += weight;
      }
      const weights = present.weights + before.weights * fade;
      return weights === 0 ? Number.NaN : offset + (present.sum + before.sum * fade) / weights;
    },
    save: () => [nSeen, offset, present.sum, present.weights, before.sum, before.weights],
    load([seen, first, ...sums]) {
      nSeen = seen ?? 0;
      offset = first ?? Number.NaN;
      const [sum = 0, weights = 0, sumBefore = 0, weightsBefore = 0] = sums.map((one) => one ?? 0);
      present = { sum, weights };
      before = { sum: sumBefore, weights: weightsBefore };
    },
  };
}
