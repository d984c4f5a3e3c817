import type { EventFilter } from "../event-filter.ts";
import { rowReference } from "./operator.ts";
import type { FeatureState, Operator } from "./operator.ts";

type EventCountArgs = { readonly events: EventFilter; readonly span: number };

/** Number of events in (t − window, t]; 0 when there is none. Never missing. */
export const eventCountOperator: Operator<"event_count", EventCountArgs> = {
  name: "event_count",
  needs: "time",
  expand(params, context) {
    const events = context.events(params.source, params.where, "source");
    return params.windows.map((span, i) => ({
      name: `${params.source}${whereText(params.where)}_count_${span}`,
      kind: "number" as const,
      unit: "count",
      args: { events, span: context.timeSpan(span, `windows.${i}`) },
    }));
  },
  sql({ events, span }, plan) {
    const now = plan.eventsUntil(events).count;
    const before = plan.eventsUntil(events, span).count;
    return `coalesce(${now}, 0) - coalesce(${before}, 0)`;
  },
  state: (args) => eventCountState(args),
  reference: (args, series, feature) => rowReference(series, eventCountOperator.state(args, feature)),
};

/** Steps over each event twice while times rise: when it comes, and when the window leaves it behind. */
function eventCountState({ events, span }: EventCountArgs): FeatureState {
  let known: readonly number[] = [];
  let oldest = 0;
  let last = Number.NEGATIVE_INFINITY;
  return {
    push(row) {
      const times = row.eventTimes(events);
      if (times !== known || row.t < last) oldest = 0;
      known = times;
      last = row.t;
      while (oldest < times.length && (times[oldest] as number) <= row.t - span) oldest++;
      return times.length - oldest;
    },
  };
}

/** `_code=E1` for each condition, so that counts of different events have different names. */
export function whereText(where: Readonly<Record<string, unknown>> | undefined): string {
  return Object.entries(where ?? {})
    .map(([column, value]) => `_${column}=${Array.isArray(value) ? value.join("|") : String(value)}`)
    .join("");
}
