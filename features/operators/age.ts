import { timeUnitsPer } from "../labels/label-plan.ts";
import { numberLiteral } from "../../schemas/text/sql-quoting.ts";
import type { EventFilter } from "../event-filter.ts";
import { rowReference } from "./operator.ts";
import type { Operator } from "./operator.ts";

type AgeArgs = { readonly timeKind: "timestamp" | "cycle" | "none"; readonly resetBy?: EventFilter };

/**
 * Age since start or last reset (an overhaul, a replacement), from the last reset at or before t.
 *
 * Before any reset: the cycle itself where time is a cycle (it counts from the asset's start, so a live asset whose
 * first readings are no longer at hand has the right age), hours since the asset's first reading for timestamps.
 */
export const ageOperator: Operator<"age", AgeArgs> = {
  name: "age",
  needs: "time",
  expand(params, context) {
    const resetBy = params.resetBy && context.events(params.resetBy.source, params.resetBy.where, "resetBy");
    return [
      {
        name: params.resetBy ? `age_since_${params.resetBy.source}` : "age",
        kind: "number",
        unit: context.timeUnit,
        args: { timeKind: context.timeKind, ...(resetBy ? { resetBy } : {}) },
      },
    ];
  },
  sql({ timeKind, resetBy }, plan) {
    const start = timeKind === "cycle" ? "0" : plan.firstTime();
    const from = resetBy ? `coalesce(${plan.eventsUntil(resetBy).time}, ${start})` : start;
    return `(b.__t - ${from}) / ${numberLiteral(timeUnitsPer(timeKind))}`;
  },
  state({ timeKind, resetBy }) {
    let start: number | undefined = timeKind === "cycle" ? 0 : undefined;
    return {
      push(row) {
        start ??= row.t;
        const reset = resetBy && row.eventTimes(resetBy).at(-1);
        return (row.t - (reset ?? start)) / timeUnitsPer(timeKind);
      },
      save: () => [start ?? null],
      load: ([saved]) => void (start = saved ?? undefined),
    };
  },
  reference: (args, series, feature) => rowReference(series, ageOperator.state(args, feature)),
};
