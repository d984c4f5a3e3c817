/**
 * A reading that was set aside, as it may be shown. A dead letter keeps what was sent, since it is sent again as it is; of a
 * source with personal columns (`pii`) only those values are shown whose columns are declared and not personal. What is no
 * reading could be anything, and is not shown.
 */
import type { LiveSource } from "../schemas/live/source.ts";
import { MASK } from "../schemas/personal.ts";
import { PlatformError } from "../schemas/platform-error.ts";

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

/**
 * What was mended in what was shown: a masked value that still stands there is the one that was sent under that name.
 *
 * @throws {PlatformError} invalid_body: nothing was
 */
export function unmaskedReading(mended: unknown, sent: unknown): unknown {
  if (mended === MASK) return sent;
  if (!isFields(mended) || !isFields(sent)) return mended;
  return mapped(mended, (name, value) => {
    if (Object.hasOwn(sent, name)) return unmaskedReading(value, sent[name]);
    if (value !== MASK) return value;
    return refused(
      `${name} is masked, and nothing was sent under that name; say which name was sent (\`renamed\`), or write the value`,
    );
  });
}

/**
 * A reading with values under other names, for columns that were misspelled: who mends it need not see them. A personal value stays
 * one: it may only be put under a column that is personal too.
 *
 * @param renamed  the name it was sent under → column of the source
 * @throws {PlatformError} invalid_body: it was not sent, the column is not declared or has a value, or would show what is masked
 */
export function renamedReading(
  sent: unknown,
  renamed: Readonly<Record<string, string>>,
  { columns, pii }: Pick<LiveSource, "columns" | "pii">,
): unknown {
  const names = Object.entries(renamed);
  if (names.length === 0) return sent;
  if (!isFields(sent) || !isFields(sent["values"])) return refused("it has no `values` to rename");
  const values = { ...sent["values"] };
  const isDeclared = (name: string) => columns.some((column) => column.name === name);
  for (const [from, to] of names) {
    if (!Object.hasOwn(values, from)) refused(`no value was sent as ${from}`);
    if (!isDeclared(to)) refused(`expected a column of the source to rename ${from} to, got ${to}`);
    if (Object.hasOwn(values, to)) refused(`there is a value of ${to} already`);
    const isMasked = pii.length > 0 && (!isDeclared(from) || pii.includes(from));
    if (isMasked && !pii.includes(to))
      refused(
        `the value of ${from} is not to be seen, and would be as ${to}; expected one of ${pii.join(", ")}`,
      );
  }
  return {
    ...sent,
    values: Object.fromEntries(Object.entries(values).map(([name, value]) => [renamed[name] ?? name, value])),
  };
}

function refused(problem: string): never {
  throw new PlatformError("invalid_body", `mend dead letter [values]: ${problem}`);
}

/** Missing is no secret here: a reading often is set aside for what it lacks. */
const masked = (value: unknown, isShown: boolean): unknown =>
  value === null || (isShown && typeof value !== "object") ? value : MASK;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** By entries and not by assignment, to which `__proto__` means something else. */
const mapped = (fields: Fields, of: (name: string, value: unknown) => unknown): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, of(name, value)]));
