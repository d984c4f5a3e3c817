import { rowReference } from "./operator.ts";
import type { Operator } from "./operator.ts";

type Cycle = "hour_of_day" | "day_of_week" | "month_of_year";
type CyclicalArgs = { readonly of: Cycle; readonly wave: "sin" | "cos" };

const DAY_US = 86_400_000_000;

/**
 * Time of day, of week or of year as a point on a circle, in UTC: sin and cos of 2π · phase, so that 23:59 and 00:00
 * are neighbours. Phase: the passed share of the day; of the week from Monday 00:00; (month − 1) / 12.
 */
export const cyclicalOperator: Operator<"cyclical", CyclicalArgs> = {
  name: "cyclical",
  needs: "time",
  expand(params, context) {
    if (context.timeKind !== "timestamp")
      context.fail("of", "a source whose time is a timestamp", `time of kind ${context.timeKind}`);
    return params.of.flatMap((of) =>
      (["sin", "cos"] as const).map((wave) => ({
        name: `${of}_${wave}`,
        kind: "number" as const,
        unit: "1",
        args: { of, wave },
      })),
    );
  },
  sql: ({ of, wave }) => `${wave}(2e0 * pi() * ${PHASE_SQL[of]})`,
  state: ({ of, wave }) => ({ push: (row) => Math[wave](2 * Math.PI * phase(of, row.t)) }),
  reference: (args, series, feature) => rowReference(series, cyclicalOperator.state(args, feature)),
};

/** `%` keeps the sign of the dividend: the sum of a period and a second `%` make it the floor remainder. */
function phaseSql(periodDays: number, shiftDays: number): string {
  const period = periodDays * DAY_US;
  return `((((b.__t + ${shiftDays * DAY_US}) % ${period}) + ${period}) % ${period}) / ${period}e0`;
}

/** 1970-01-01 was a Thursday: three days after Monday. */
const PHASE_SQL: Readonly<Record<Cycle, string>> = {
  hour_of_day: phaseSql(1, 0),
  day_of_week: phaseSql(7, 3),
  month_of_year: "(month(make_timestamp(b.__t)) - 1) / 12e0",
};

function phase(of: Cycle, t: number): number {
  if (of === "month_of_year") return new Date(Math.floor(t / 1000)).getUTCMonth() / 12;
  const period = (of === "hour_of_day" ? 1 : 7) * DAY_US;
  const shifted = t + (of === "hour_of_day" ? 0 : 3) * DAY_US;
  return (((shifted % period) + period) % period) / period;
}
