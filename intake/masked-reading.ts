/**
 * A reading that was set aside, as it may be shown. A dead letter keeps what was sent, since it is sent again as it is; of a
 * source with personal columns (`pii`) only those values are shown whose columns are declared and not personal. What is no
 * reading could be anything, and is not shown.
 */
import type { LiveSource } from "../schemas/live/source.ts";
import { MASK } from "../schemas/personal.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Beside `values`; anything else that stands in a reading is not known to be harmless. */
const SHOWN: ReadonlySet<string> = new Set(["asset", "device", "time", "epoch", "seq"]);

export function maskedReading(
  reading: unknown,
  { columns, pii }: Pick<LiveSource, "columns" | "pii">,
): unknown {
  if (pii.length === 0) return reading;
  if (!isFields(reading)) return MASK;
  const shown = new Set(columns.map(({ name }) => name).filter((name) => !pii.includes(name)));
  return mapped(reading, (name, value) => {
    if (name === "values" && isFields(value))
      return mapped(value, (column, one) => masked(one, shown.has(column)));
    return masked(value, SHOWN.has(name));
  });
}

/** What was mended in what was shown: a masked value that still stands there is the one that was sent. */
export function unmaskedReading(mended: unknown, sent: unknown): unknown {
  if (mended === MASK) return sent;
  if (!isFields(mended) || !isFields(sent)) return mended;
  return mapped(mended, (name, value) =>
    Object.hasOwn(sent, name) ? unmaskedReading(value, sent[name]) : value,
  );
}

/** Missing is no secret here: a reading often is set aside for what it lacks. */
const masked = (value: unknown, isShown: boolean): unknown =>
  value === null || (isShown && typeof value !== "object") ? value : MASK;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** By entries and not by assignment, to which `__proto__` means something else. */
const mapped = (fields: Fields, of: (name: string, value: unknown) => unknown): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, of(name, value)]));
