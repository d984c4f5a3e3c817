import { sumOf } from "../windows/plain-statistics.ts";
import { combineMoments, loadedMoments, momentsOf, NO_MOMENTS, savedMoments } from "../windows/moments.ts";
import { onlyWhen } from "../sql-text.ts";
import type { Operator } from "./operator.ts";

type BaselineArgs = { readonly column: string; readonly over: "life" | number };

/**
 * The value minus the asset's own normal: how far this machine is from where it used to be.
 *
 * `life`: minus the mean of all readings so far, the present one included. n: minus the mean of the asset's first n
 * readings (of the readings so far, before there are n). Missing values are skipped; missing where the value is.
 */
export const baselineOperator: Operator<"baseline", BaselineArgs> = {
  name: "baseline",
  needs: "series",
  expand: (params, context) =>
    context.numbers(params.columns, "columns").map(({ name, unit }) => ({
      name: `${name}_base_${params.over}`,
      kind: "number" as const,
      ...(unit === undefined ? {} : { unit }),
      args: { column: name, over: params.over },
    })),
  sql({ column, over }, plan) {
    const shifted = plan.shifted(column);
    const counted =
      over === "life"
        ? shifted
        : plan.term(onlyWhen(`${plan.index()} < ${over}`, `${plan.column(column)} - ${plan.offset(column)}`));
    return `${shifted} - ${plan.window(`avg(${counted})`, plan.soFar())}`;
  },
  state({ column, over }) {
    let moments = NO_MOMENTS;
    // Not the row's place: that is one among the readings that this state was given.
    let nSeen = 0;
    return {
      push(row) {
        const value = row.number(column);
        nSeen++;
        if (over === "life" || nSeen <= over) moments = combineMoments(moments, momentsOf(value));
        return moments.n === 0 ? Number.NaN : value - moments.from - moments.mean;
      },
      save: () => [nSeen, ...savedMoments(moments)],
      load([seen, ...saved]) {
        nSeen = seen ?? 0;
        moments = loadedMoments(saved);
      },
    };
  },
  reference({ column, over }, series) {
    const values = series.numbers(column);
    return values.map((value, i) => {
      const seen = values
        .slice(0, over === "life" ? i + 1 : Math.min(i + 1, over))
        .filter((v) => !Number.isNaN(v));
      const shift = seen[0] ?? Number.NaN;
      return value - shift - sumOf(seen.map((v) => v - shift)) / seen.length;
    });
  },
};
