import { DataType } from "apache-arrow";
import type { Vector } from "apache-arrow";
import { PlatformError } from "../../schemas/platform-error.ts";
import { openArrowTable } from "../arrow/open-table.ts";
import { microsReader } from "../arrow/timestamp-micros.ts";

/** Columns that say whose and when a reading is; every other one is a value. */
const KEYS = ["asset", "device", "time", "epoch", "seq"] as const;
/** Of texts of all cells together: one that stands once in a dictionary may be in every row. */
const MAX_CHARACTERS = 32 * 2 ** 20;

/**
 * Readings of an Arrow IPC stream: columns `asset` or `device`, `time`, perhaps `epoch` and `seq`, and one column for each value, by
 * name. NaN counts as missing, as null does. A timestamp becomes a bigint of microseconds since 1970, which no JSON can hold.
 *
 * @throws {PlatformError} invalid_body
 */
export function readArrowReadings(bytes: Uint8Array): readonly unknown[] {
  const table = openArrowTable(bytes, "read readings");
  const texts = new TextBudget();
  const keys = KEYS.flatMap((name) => {
    const column = table.getChild(name);
    return column === null ? [] : [{ name, read: keyReader(name, column, texts) }];
  });
  const columns = table.schema.fields.flatMap(({ name }) => {
    if (name === "__proto__")
      throw new PlatformError("invalid_body", "read readings: expected another column than the reserved one");
    const column = (KEYS as readonly string[]).includes(name) ? null : table.getChild(name);
    return column === null ? [] : [{ name, read: valueReader(column, texts) }];
  });
  const readingAt = (_: unknown, i: number): unknown => {
    // A plain object: its keys are walked through ten times as fast as those of one without a prototype.
    const values: Record<string, unknown> = {};
    let isEmpty = true;
    for (const { name, read } of columns) {
      const value = read(i);
      if (value === null) continue;
      values[name] = value;
      isEmpty = false;
    }
    // All of them are missing, and that is said: none is another thing.
    if (isEmpty) for (const { name } of columns) values[name] = null;
    const reading: Record<string, unknown> = { values };
    for (const { name, read } of keys) {
      const value = read(i);
      if (value !== null) reading[name] = value;
    }
    return reading;
  };
  try {
    return Array.from({ length: table.numRows }, readingAt);
  } catch (cause) {
    if (cause instanceof PlatformError) throw cause;
    // Such as a date that no number holds.
    throw new PlatformError("invalid_body", "read readings: a cell of the Arrow stream cannot be read", {
      cause,
    });
  }
}

type Read = (row: number) => unknown;

/** What the texts of one body come to. */
class TextBudget {
  #nCharacters = 0;

  /** @throws {PlatformError} invalid_body */
  take(text: string): string {
    this.#nCharacters += text.length;
    if (this.#nCharacters <= MAX_CHARACTERS) return text;
    throw new PlatformError(
      "invalid_body",
      `read readings: expected texts of at most ${MAX_CHARACTERS} characters together`,
    );
  }
}

function keyReader(name: (typeof KEYS)[number], column: Vector, budget: TextBudget): Read {
  const { type } = column;
  if (name === "time" && DataType.isTimestamp(type)) return microsReader(column, type.unit);
  return valueReader(column, budget);
}

/** Of whole numbers of 64 bits those that a double holds exactly; others stay what they are, and are refused as values. */
function valueReader(column: Vector, budget: TextBudget): Read {
  const { type } = column;
  if (DataType.isTimestamp(type)) {
    const micros = microsReader(column, type.unit);
    return (row) => micros(row);
  }
  // The texts of a dictionary are decoded once.
  const texts = DataType.isDictionary(type) ? column.memoize() : column;
  return (row) => {
    const value: unknown = texts.get(row);
    if (typeof value === "string") return budget.take(value);
    if (typeof value === "bigint") return Number(value);
    return typeof value === "number" && Number.isNaN(value) ? null : value;
  };
}
