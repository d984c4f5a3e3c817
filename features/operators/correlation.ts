import { spreadOf } from "../far-window.ts";
import { SplitWindow } from "../split-window.ts";
import { onlyWhen } from "../sql-text.ts";
import type { SqlPlan } from "../sql-plan.ts";
import { combinePairs, correlationOf, NO_PAIRS, pairOf } from "../windows/pair-moments.ts";
import { sumOf } from "../windows/plain-statistics.ts";
import { SlidingWindow } from "../windows/sliding-window.ts";
import { windowKey, windowStart } from "../windows/window-span.ts";
import type { WindowSpan } from "../windows/window-span.ts";
import type { Operator } from "./operator.ts";

type CorrelationArgs = {
  readonly left: string;
  readonly right: string;
  readonly window: WindowSpan;
  readonly minPeriods: number;
};

/**
 * Pearson correlation of two sensors over a rolling window, from the readings where both have a value.
 * Missing below `minPeriods` such readings, or when either sensor does not vary in the window.
 */
export const correlationOperator: Operator<"correlation", CorrelationArgs> = {
  name: "correlation",
  needs: "series",
  expand: (params, context) =>
    params.pairs.flatMap(([left, right], p) => {
      context.number(left, `pairs.${p}.0`);
      context.number(right, `pairs.${p}.1`);
      return params.windows.map((span, i) => ({
        name: `${left}_${right}_corr_${span}`,
        kind: "number" as const,
        unit: "1",
        args: { left, right, window: context.window(span, `windows.${i}`), minPeriods: params.minPeriods },
      }));
    }),
  sql: correlationSql,
  state({ left, right, window, minPeriods }) {
    const sliding = new SlidingWindow(NO_PAIRS, combinePairs);
    return {
      push(row) {
        const { key, least } = windowKey(window, row);
        sliding.push(key, pairOf(row.number(left), row.number(right)));
        sliding.evictBelow(least);
        const pairs = sliding.total();
        return pairs.n < minPeriods ? Number.NaN : correlationOf(pairs);
      },
    };
  },
  reference({ left, right, window, minPeriods }, series) {
    const x = series.numbers(left);
    const y = series.numbers(right);
    return x.map((_, i) => {
      const rows = Array.from({ length: i + 1 }, (__, r) => r).filter(
        (r) => r >= windowStart(window, i, series.t) && !Number.isNaN((x[r] ?? 0) + (y[r] ?? 0)),
      );
      if (rows.length < minPeriods) return Number.NaN;
      return plainCorrelation(
        rows.map((r) => x[r] ?? 0),
        rows.map((r) => y[r] ?? 0),
      );
    });
  },
};

function correlationSql({ left, right, window, minPeriods }: CorrelationArgs, plan: SqlPlan): string {
  const frame = plan.frame(window);
  const [x, y] = [
    spreadOf(plan, left, { window, rows: [right] }),
    spreadOf(plan, right, { window, rows: [left] }),
  ];
  const count = plan.window(`count(${x.term})`, frame);
  const value = `${plan.window(`covar_samp(${y.term}, ${x.term})`, frame)} / (${x.std} * ${y.std})`;
  const masked = (of: string, other: string) =>
    onlyWhen(`${plan.column(other)} IS NOT NULL`, plan.column(of));
  const exact = () => new SplitWindow(plan, window).correlation(masked(left, right), masked(right, left));
  return onlyWhen(
    `${count} >= ${minPeriods}`,
    plan.unlessFar(
      `${x.isFar} OR ${y.isFar}`,
      onlyWhen(`${x.std} > 0 AND ${y.std} > 0`, `greatest(-1e0, least(1e0, ${value}))`),
      exact,
    ),
  );
}

function plainCorrelation(x: number[], y: number[]): number {
  if (x.every((v) => v === x[0]) || y.every((v) => v === y[0])) return Number.NaN;
  const dx = centred(x);
  const dy = centred(y);
  return Math.max(-1, Math.min(1, dot(dx, dy) / Math.sqrt(dot(dx, dx)) / Math.sqrt(dot(dy, dy))));
}

function centred(values: number[]): number[] {
  const shifted = values.map((v) => v - (values[0] ?? 0));
  const mean = sumOf(shifted) / shifted.length;
  return shifted.map((v) => v - mean);
}

function dot(a: number[], b: number[]): number {
  return sumOf(a.map((v, i) => v * (b[i] ?? 0)));
}
