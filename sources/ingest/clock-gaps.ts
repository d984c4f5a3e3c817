const FIRST_YEAR = 1980;
const LAST_YEAR = 2060;
const MINUTE_MS = 60_000;

/** A moment at which the clocks of a zone go forward, as microseconds since 1970 UTC, and by how much. */
export interface ClockGap {
  readonly at: number;
  readonly width: number;
}

/** When the clocks of an IANA zone go forward, 1980 to 2060, in order; to the minute. */
export function clockGaps(timezone: string): ClockGap[] {
  const offset = offsetOf(timezone);
  const gaps: ClockGap[] = [];
  let from = Date.UTC(FIRST_YEAR, 0, 1);
  let before = offset(from);
  for (let month = 1; month <= (LAST_YEAR - FIRST_YEAR) * 12; month++) {
    const to = Date.UTC(FIRST_YEAR, month, 1);
    const after = offset(to);
    if (after > before) {
      let [low, high] = [from, to];
      while (high - low > MINUTE_MS) {
        const middle = Math.floor((low + high) / 2 / MINUTE_MS) * MINUTE_MS;
        if (offset(middle) === before) low = middle;
        else high = middle;
      }
      gaps.push({ at: high * 1_000, width: (after - before) * 1_000 });
    }
    [from, before] = [to, after];
  }
  return gaps;
}

/** Milliseconds that local clocks are ahead of UTC. */
function offsetOf(timezone: string): (utcMs: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });
  return (utcMs) => {
    const parts = new Map(format.formatToParts(utcMs).map((p) => [p.type, Number(p.value)]));
    const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute")) - utcMs;
  };
}
