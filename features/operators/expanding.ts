import { momentStat } from "./rolling.ts";
import type { Operator } from "./operator.ts";
import { onlyWhen } from "../sql-text.ts";
import { combineMoments, loadedMoments, momentsOf, NO_MOMENTS, savedMoments } from "../windows/moments.ts";
import { stdOf, sumOf } from "../windows/plain-statistics.ts";

type ExpandingArgs = {
  readonly column: string;
  readonly stat: "mean" | "std" | "min" | "max";
  readonly minPeriods: number;
};

/**
 * Statistics over all readings of the asset so far, the present one included; rules as in `rolling`.
 */
export const expandingOperator: Operator<"expanding", ExpandingArgs> = {
  name: "expanding",
  needs: "series",
  expand: (params, context) =>
    context.numbers(params.columns, "columns").flatMap(({ name, unit }) =>
      params.stats.map((stat) => ({
        name: `${name}_life_${stat}`,
        kind: "number" as const,
        ...(unit === undefined ? {} : { unit }),
        args: { column: name, stat, minPeriods: params.minPeriods },
      })),
    ),
  sql({ column, stat, minPeriods }, plan) {
    const frame = plan.soFar();
    const value =
      stat === "mean"
        ? `${plan.offset(column)} + ${plan.window(`avg(${plan.shifted(column)})`, frame)}`
        : stat === "std"
          ? plan.window(`stddev_samp(${plan.shifted(column)})`, frame)
          : plan.window(`${stat}(${plan.column(column)})`, frame);
    if (minPeriods === 1) return value;
    return onlyWhen(`${plan.window(`count(${plan.column(column)})`, frame)} >= ${minPeriods}`, value);
  },
  state({ column, stat, minPeriods }) {
    let moments = NO_MOMENTS;
    return {
      push(row) {
        moments = combineMoments(moments, momentsOf(row.number(column)));
        return momentStat(stat, moments, minPeriods);
      },
      save: () => savedMoments(moments),
      load: (saved) => void (moments = loadedMoments(saved)),
    };
  },
  reference({ column, stat, minPeriods }, series) {
    const values = series.numbers(column);
    return values.map((_, i) => {
      const seen = values.slice(0, i + 1).filter((v) => !Number.isNaN(v));
      if (seen.length < minPeriods) return Number.NaN;
      if (stat === "std") return stdOf(seen);
      if (stat === "mean") return sumOf(seen) / seen.length;
      return stat === "min" ? Math.min(...seen) : Math.max(...seen);
    });
  },
};
