import type { EventFilter } from "../event-filter.ts";
import { numberLiteral } from "../../schemas/text/sql-quoting.ts";
import { timeUnitsPer } from "../labels/label-plan.ts";
import { whereText } from "./event-count.ts";
import { rowReference } from "./operator.ts";
import type { Operator } from "./operator.ts";

type TimeSinceArgs = { readonly events: EventFilter; readonly unitsPer: number };

/** Hours or cycles since the last event at or before t; missing when there was none. */
export const timeSinceOperator: Operator<"time_since", TimeSinceArgs> = {
  name: "time_since",
  needs: "time",
  expand: (params, context) => [
    {
      name: `since_${params.source}${whereText(params.where)}`,
      kind: "number",
      unit: context.timeUnit,
      args: {
        events: context.events(params.source, params.where, "source"),
        unitsPer: timeUnitsPer(context.timeKind),
      },
    },
  ],
  sql: ({ events, unitsPer }, plan) =>
    `(b.__t - ${plan.eventsUntil(events).time}) / ${numberLiteral(unitsPer)}`,
  state: ({ events, unitsPer }) => ({
    push: (row) => (row.t - (row.eventTimes(events).at(-1) ?? Number.NaN)) / unitsPer,
  }),
  reference: (args, series, feature) => rowReference(series, timeSinceOperator.state(args, feature)),
};
