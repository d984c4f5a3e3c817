import { sha256Hex } from "../../schemas/canonical-json.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ObjectStore } from "./port.ts";

/** Named columns of doubles, all of one length unless said otherwise by the writer. */
export type NumberColumns = Readonly<Record<string, Float64Array>>;

/**
 * Stores named double arrays bit by bit: a JSON line `{name: length…}`, then the arrays as little-endian float64.
 * JSON alone could not hold NaN, and is ten times as large.
 */
export async function putNumbers(objects: ObjectStore, columns: NumberColumns): Promise<ObjectRef> {
  const names = Object.keys(columns).sort();
  const header = JSON.stringify(names.map((name) => [name, columns[name]?.length ?? 0]));
  const head = new TextEncoder().encode(`${header}\n`);
  const parts = names.map((name) => {
    const column = columns[name] ?? new Float64Array();
    return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
  });
  const bytes = new Uint8Array(head.length + parts.reduce((sum, part) => sum + part.length, 0));
  bytes.set(head, 0);
  let at = head.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return objects.put(`processed/numbers/${sha256Hex(bytes)}.f64`, bytes);
}

/** @throws {PlatformError} integrity when the stored bytes have another shape */
export async function getNumbers(objects: ObjectStore, ref: ObjectRef): Promise<NumberColumns> {
  const bytes = await objects.get(ref, Number.MAX_SAFE_INTEGER);
  const end = bytes.indexOf(10);
  const sizes = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as [string, number][];
  let at = end + 1;
  const columns: Record<string, Float64Array> = {};
  for (const [name, length] of sizes) {
    // Copied, because the offset in the file need not be a multiple of 8.
    const column = new Float64Array(length);
    new Uint8Array(column.buffer).set(bytes.subarray(at, at + 8 * length));
    columns[name] = column;
    at += 8 * length;
  }
  if (at !== bytes.length)
    throw new PlatformError(
      "integrity",
      `read numbers [${ref.key}]: expected ${at} bytes, got ${bytes.length}`,
    );
  return columns;
}
