import { cronFields } from "../../schemas/pipeline/cron.ts";
import type { RetrainSchedule } from "../../schemas/pipeline/retraining.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";

const MINUTE_MS = 60_000;
/** Time zones differ from UTC by whole quarters of an hour. */
const QUARTER_MS = 15 * MINUTE_MS;
const DAY_MS = 86_400_000;

/** Milliseconds since 1970; after `from`, up to `to`. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Whether a time of the schedule lies in a span, as Temporal would have it: intervals count from 1970, and of a cron text all
 * fields must match.
 */
export function isScheduledIn(schedule: RetrainSchedule, { from, to }: Span): boolean {
  if ("every" in schedule) {
    const every = durationMs(schedule.every);
    return Math.floor(to / every) > Math.floor(from / every);
  }
  const fields = cronFields(schedule.cron);
  const offsetOf = offsetsOf(schedule.timezone);
  for (let quarter = Math.floor(from / QUARTER_MS) * QUARTER_MS; quarter <= to; quarter += QUARTER_MS) {
    const local = new Date(quarter + offsetOf(quarter));
    if (
      !fields.hours.has(local.getUTCHours()) ||
      !fields.daysOfMonth.has(local.getUTCDate()) ||
      !fields.months.has(local.getUTCMonth() + 1) ||
      !fields.daysOfWeek.has(local.getUTCDay())
    )
      continue;
    for (let minute = 0; minute < QUARTER_MS / MINUTE_MS; minute++) {
      const at = quarter + minute * MINUTE_MS;
      if (at > from && at <= to && fields.minutes.has(local.getUTCMinutes() + minute)) return true;
    }
  }
  return false;
}

/** How far a zone is before UTC, in ms. It is asked for at both ends of each day, and in between only where they differ. */
function offsetsOf(timeZone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
  const ask = (ms: number): number => {
    const name = format.formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value ?? "GMT";
    const [, sign = "+", hours = "0", minutes = "0"] = /GMT([+-])(\d{2}):(\d{2})/.exec(name) ?? [];
    return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
  };
  const known = new Map<number, number | null>();
  return (ms) => {
    const day = Math.floor(ms / DAY_MS);
    let offset = known.get(day);
    if (offset === undefined) {
      const begin = ask(day * DAY_MS);
      offset = begin === ask((day + 1) * DAY_MS) ? begin : null;
      known.set(day, offset);
    }
    return offset ?? ask(ms);
  };
}
