import { DataType } from "apache-arrow";
import type { Table, Vector } from "apache-arrow";
import { dataIdSchema } from "../../schemas/names.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { openArrowTable } from "../arrow/open-table.ts";
import { microsReader } from "../arrow/timestamp-micros.ts";
import type { EncodedRows } from "./predictor.ts";
import type { ServedVersion } from "./served-version.ts";

/** Column of the asset ids. */
const ASSET_COLUMN = "__asset";
/** Column of what the rows are about. */
const TIME_COLUMN = "__t";

/**
 * Rows of an Arrow IPC stream: one column per input of the signature, by name; others are ignored. Numbers
 * may be floats of any width, integers of up to 32 bits or booleans; categories are text. A column
 * `__asset` gives the asset ids: text or whole numbers, null where unknown; `__t` what each row is about: timestamps,
 * or whole numbers that are microseconds since 1970, or cycles. NaN counts as missing, as null does.
 *
 * @throws {PlatformError} invalid_body (no Arrow), invalid_signature_input (column, row and type)
 */
export function readArrowRows(bytes: Uint8Array, version: ServedVersion): EncodedRows {
  const table = openArrowTable(bytes, "read body");
  const { inputs } = version.signature;
  const columns = inputs.map(({ name, kind }) => columnOf(table, name, kind));
  const rows = new Float64Array(table.numRows * inputs.length);
  const row = Object.create(null) as Record<string, unknown>;
  for (let i = 0; i < table.numRows; i++) {
    inputs.forEach(({ name }, k) => {
      const value: unknown = columns[k]?.get(i);
      row[name] = typeof value === "number" && Number.isNaN(value) ? null : value;
    });
    version.encoder.encode(row, i, rows, i * inputs.length);
  }
  const ids = table.getChild(ASSET_COLUMN);
  const times = table.getChild(TIME_COLUMN);
  return {
    rows,
    nRows: table.numRows,
    ...(ids === null ? {} : { assets: assetsOf(ids) }),
    ...(times === null ? {} : { times: timesOf(times) }),
  };
}

function timesOf(column: Vector): (number | null)[] {
  const { type } = column;
  const isNumber = DataType.isInt(type) || DataType.isFloat(type);
  if (!isNumber && !DataType.isTimestamp(type))
    throw refuse(TIME_COLUMN, "timestamps or whole numbers", String(type));
  const read = DataType.isTimestamp(type)
    ? microsReader(column, type.unit)
    : (i: number) => column.get(i) as unknown;
  return Array.from({ length: column.length }, (_, i) => {
    const value = read(i);
    if (value === null) return null;
    if (Number.isSafeInteger(Number(value))) return Number(value);
    throw refuse(
      `rows.${i}.${TIME_COLUMN}`,
      "a whole number a double holds exactly, or null",
      "another value",
    );
  });
}

/** Ids go into traces and the index, which hold nothing but ids. */
function assetsOf(ids: Vector): (string | null)[] {
  const isInt = DataType.isInt(ids.type);
  if (!isInt && !isTextType(ids.type)) throw refuse(ASSET_COLUMN, "text or whole numbers", String(ids.type));
  return Array.from(ids, (value: string | number | bigint | null, i) => {
    if (value === null) return null;
    const id = dataIdSchema.safeParse(isInt ? String(value) : value);
    if (id.success) return id.data;
    throw refuse(
      `rows.${i}.${ASSET_COLUMN}`,
      "an id of 1 to 128 bytes without NUL, or null",
      "another value",
    );
  });
}

function columnOf(table: Table, name: string, kind: "number" | "category"): Vector {
  const column = table.getChild(name);
  if (column === null) throw refuse(name, "a column", "nothing");
  const { type } = column;
  const isNumber =
    DataType.isFloat(type) || DataType.isBool(type) || (DataType.isInt(type) && type.bitWidth <= 32);
  if (kind === "number" ? !isNumber : !isTextType(type)) {
    throw refuse(name, kind === "number" ? "a number that fits a double" : "text", String(type));
  }
  return column;
}

function isTextType(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isDictionary(type);
}

function refuse(field: string, expected: string, found: string): PlatformError {
  return new PlatformError(
    "invalid_signature_input",
    `predict [${field}]: expected ${expected}, got ${found}`,
    {
      locations: [{ field, expected, found }],
    },
  );
}
