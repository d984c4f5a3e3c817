const HOUR_MS = 3_600_000;

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * The moment at which clocks of an IANA zone show a time, as ingest takes it: the later one of two where clocks go
 * back.
 *
 * @param localMicros what the clocks show, as if it were UTC
 * @returns microseconds since 1970 UTC; undefined where clocks go forward and skip that time
 */
export function zoneTimeToUtc(timezone: string, localMicros: number): number | undefined {
  if (timezone === "UTC") return localMicros;
  const localMs = Math.floor(localMicros / 1_000);
  // Zones are 12 h behind to 14 h ahead of UTC; clocks do not change twice in such a span.
  const offsets = [localMs - 24 * HOUR_MS, localMs + 24 * HOUR_MS].map((ms) => offsetMs(timezone, ms));
  const fitting = offsets.filter((offset) => offsetMs(timezone, localMs - offset) === offset);
  return fitting.length === 0 ? undefined : localMicros - Math.min(...fitting) * 1_000;
}

/** Milliseconds that local clocks are ahead of UTC at a moment. */
function offsetMs(timezone: string, utcMs: number): number {
  const seconds = Math.floor(utcMs / 1_000) * 1_000;
  const parts = new Map(
    formatOf(timezone)
      .formatToParts(seconds)
      .map((p) => [p.type, Number(p.value)]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second")) - seconds;
}

function formatOf(timezone: string): Intl.DateTimeFormat {
  let format = formats.get(timezone);
  if (format === undefined) {
    const two = "2-digit";
    const fields = { year: "numeric", month: two, day: two, hour: two, minute: two, second: two } as const;
    format = new Intl.DateTimeFormat("en-US", { timeZone: timezone, hourCycle: "h23", ...fields });
    formats.set(timezone, format);
  }
  return format;
}
