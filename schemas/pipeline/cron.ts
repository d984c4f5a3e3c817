interface Field {
  readonly min: number;
  readonly max: number;
  /** Three letters each; the first is `min`. */
  readonly names?: readonly string[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/** In the order they are written. 7 is Sunday as well. */
const FIELDS: readonly Field[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 0, max: 7, names: DAYS },
];

/** Whether a text is five fields of cron: numbers, names of months and days, `*`, ranges, lists and steps. */
export function isCron(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  return fields.length === FIELDS.length && FIELDS.every((field, i) => isField(fields[i] ?? "", field));
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Longest time between two ticks, by which fields are bound at all: an hour for minutes alone, a day for hours, a week for days of
 * the week, two months for days of the month (some have no 31st), a year for months. An upper bound, but for February 29th.
 *
 * @param text five fields, as `isCron` takes them
 */
export function longestCronGapMs(text: string): number {
  const [, hour, day, month, weekday] = text.trim().split(/\s+/);
  if (month !== "*") return 366 * DAY_MS;
  if (day !== "*") return 62 * DAY_MS;
  // Once a year clocks are put back by an hour.
  if (weekday !== "*") return 7 * DAY_MS + HOUR_MS;
  return hour === "*" ? HOUR_MS : DAY_MS + HOUR_MS;
}

/** Values of each field that match, in the order they are written; a Sunday is 0. */
export interface CronFields {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly daysOfWeek: ReadonlySet<number>;
}

/** @param text what `isCron` holds for */
export function cronFields(text: string): CronFields {
  const [minutes, hours, daysOfMonth, months, daysOfWeek] = text
    .trim()
    .split(/\s+/)
    .map((field, i) => valuesOf(field, FIELDS[i] as Field)) as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  if (daysOfWeek.delete(7)) daysOfWeek.add(0);
  return { minutes, hours, daysOfMonth, months, daysOfWeek };
}

/** A step without an end goes on to the last value, as in `5/15`. */
function valuesOf(text: string, field: Field): Set<number> {
  const values = text.split(",").flatMap((item) => {
    const [range = "", step] = item.split("/");
    const ends = range === "*" ? [field.min, field.max] : range.split("-").map((end) => valueOf(end, field));
    const [first = field.min, last = step === undefined ? first : field.max] = ends;
    const every = Number(step ?? 1);
    return Array.from({ length: Math.floor((last - first) / every) + 1 }, (_, i) => first + i * every);
  });
  return new Set(values);
}

function isField(text: string, field: Field): boolean {
  return text.split(",").every((item) => isItem(item, field));
}

function isItem(text: string, field: Field): boolean {
  const [range = "", step, ...rest] = text.split("/");
  if (rest.length > 0 || (step !== undefined && !(/^\d{1,2}$/.test(step) && Number(step) > 0))) return false;
  if (range === "*") return true;
  const ends = range.split("-").map((end) => valueOf(end, field));
  const [first, last = first] = ends;
  return ends.length <= 2 && first !== undefined && last !== undefined && first <= last;
}

/** Undefined for what is no value of the field. */
function valueOf(text: string, { min, max, names = [] }: Field): number | undefined {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return min + named;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : undefined;
}
