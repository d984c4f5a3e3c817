import type { TextRecord } from "./record-reader.ts";
import { MAX_LINE_BYTES } from "./byte-stream.ts";
import { tooLong } from "./plain-scan.ts";

const LF = 10;
const MAX_UNKNOWN_KEYS = 100;

/** What JSON lines had beside the declared names; filled while reading. */
export interface JsonlFindings {
  readonly unknownKeys: Set<string>;
}

/**
 * Reads JSON lines as records whose fields are the values of `names`, in that order; an absent key or null is an
 * empty field. Lines that are no object, or hold nested values or NUL under a declared name, are faults.
 */
export async function* readJsonLines(
  chunks: AsyncIterable<Buffer>,
  file: { readonly name: string; readonly names: readonly string[] },
  findings: JsonlFindings,
): AsyncGenerator<TextRecord[]> {
  let pending: Buffer = Buffer.alloc(0);
  let line = 0;
  const known = new Set(file.names);
  const take = (bytes: Buffer, isEnd: boolean): { records: TextRecord[]; next: number } => {
    const records: TextRecord[] = [];
    let at = 0;
    while (at < bytes.length) {
      const newline = bytes.indexOf(LF, at);
      const end = newline < 0 ? bytes.length : newline;
      if (end - at > MAX_LINE_BYTES) throw tooLong(file.name, line + 1);
      if (newline < 0 && !isEnd) break;
      line++;
      const text = bytes
        .toString("utf8", at, end)
        .replace(/^\uFEFF/, "")
        .trim();
      if (text !== "") records.push(recordOf({ text, line, names: file.names, known }, findings));
      at = end + 1;
    }
    return { records, next: Math.min(at, bytes.length) };
  };
  for await (const chunk of chunks) {
    const bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const { records, next } = take(bytes, false);
    pending = Buffer.from(bytes.subarray(next));
    yield records;
  }
  yield take(pending, true).records;
}

/** A member of a parsed object; what is nested is refused. */
type JsonCell = string | number | boolean | object | null | undefined;

interface JsonLine {
  readonly text: string;
  readonly line: number;
  readonly names: readonly string[];
  readonly known: ReadonlySet<string>;
}

function recordOf({ text, line, names, known }: JsonLine, findings: JsonlFindings): TextRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { line, fault: "no JSON", text };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { line, fault: "no JSON object", text };
  }
  const row = value as Record<string, JsonCell>;
  for (const key of Object.keys(row)) {
    if (!known.has(key) && findings.unknownKeys.size < MAX_UNKNOWN_KEYS) findings.unknownKeys.add(key);
  }
  const fields: string[] = [];
  for (const name of names) {
    const cell = Object.hasOwn(row, name) ? row[name] : null;
    if (typeof cell === "object" && cell !== null) return { line, fault: `a nested value in ${name}`, text };
    const field = cell === null || cell === undefined ? "" : String(cell);
    if (field.includes("\0")) return { line, fault: `a NUL character in ${name}`, text };
    fields.push(field);
  }
  return { line, fields, text };
}
