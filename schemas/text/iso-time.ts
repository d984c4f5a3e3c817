/** What times a client may send, as refusals say it. */
export const ISO_TIME = "an ISO 8601 date or date-time such as 2025-04-05T10:00:00Z";

const PATTERN =
  /^(?<date>\d{4}-\d{2}-\d{2})(?:[Tt ](?<clock>\d{2}:\d{2}(?::\d{2})?)(?:(?<=:\d{2}:\d{2})[.,](?<fraction>\d{1,9}))?(?<offset>[Zz]|[+-]\d{2}(?::?\d{2})?)?)?$/;

/**
 * Microseconds since 1970 of an ISO 8601 date or date-time: `T` or a space between the two, seconds, a fraction and
 * an offset where they are given. Without one it is local: UTC, unless `toUtc` says what else. Digits of the fraction beyond microseconds are left out.
 *
 * `Date.parse` is not asked: it reads `05.04.2025` as the fourth of May, and 30 February as a day of March.
 *
 * @returns undefined for every other text, for a day or an hour that does not exist, and where `toUtc` gives it
 */
export function parseIsoMicros(
  text: string,
  toUtc: (localMicros: number) => number | undefined = (micros) => micros,
): number | undefined {
  const { date = "", clock = "00:00", fraction = "", offset } = PATTERN.exec(text)?.groups ?? {};
  if (date === "") return undefined;
  const [year = NaN, month = NaN, day = NaN] = date.split("-").map(Number);
  const [hour = NaN, minute = NaN, second = 0] = clock.split(":").map(Number);
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const offsetMinutes = minutesOf(offset ?? "Z");
  if (hour > 23 || minute > 59 || second > 59 || offsetMinutes === undefined) return undefined;
  // A day beyond its month would come out as one of the next.
  if (!new Date(ms).toISOString().startsWith(date)) return undefined;
  const micros = (ms - offsetMinutes * 60_000) * 1_000 + Number(fraction.slice(0, 6).padEnd(6, "0"));
  return offset === undefined ? toUtc(micros) : micros;
}

/** True of a text that is written as a time and names none: 30 February, or 25 o'clock. */
export function isNoSuchTime(text: string): boolean {
  return PATTERN.test(text) && parseIsoMicros(text) === undefined;
}

/** Minutes east of UTC; undefined beyond a day. */
function minutesOf(offset: string): number | undefined {
  if (/^z$/i.test(offset)) return 0;
  const digits = offset.slice(1).replace(":", "").padEnd(4, "0");
  const hours = Number(digits.slice(0, 2));
  const minutes = Number(digits.slice(2));
  if (hours > 23 || minutes > 59) return undefined;
  return (offset.startsWith("-") ? -1 : 1) * (60 * hours + minutes);
}

/** ISO 8601 in UTC of microseconds since 1970: milliseconds, or microseconds where there are any. */
export function formatIsoMicros(micros: number): string {
  const ms = Math.floor(micros / 1_000);
  const rest = micros - ms * 1_000;
  const text = new Date(ms).toISOString();
  return rest === 0 ? text : `${text.slice(0, -1)}${String(rest).padStart(3, "0")}Z`;
}
