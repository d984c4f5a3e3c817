import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import type { TextRecord } from "./record-reader.ts";

/** Where the two files of a rewriting go. */
export interface RewriteTarget {
  /** Good records: line number, then the fields; comma, LF, quotes where needed. */
  readonly goodPath: string;
  /** Lines that are no record of this file: line, message, text. */
  readonly badPath: string;
  readonly nFields: number;
  /** Stands for the text of bad lines; without it their own is kept. */
  readonly mask?: string;
}

export interface RewriteCounts {
  readonly nGood: number;
  readonly nBad: number;
}

/** Longest text of a bad line that is kept, in characters; at most 1 KiB in UTF-8 for ASCII text. */
const MAX_TEXT = 1_000;

/**
 * Writes records in the one form that the database reads without guessing, each with its line number, and apart
 * from them the lines that do not parse or have another number of fields. good + bad = records read.
 */
export async function rewriteRecords(
  batches: AsyncIterable<readonly TextRecord[]>,
  target: RewriteTarget,
): Promise<RewriteCounts> {
  const good = createWriteStream(target.goodPath);
  const bad = createWriteStream(target.badPath);
  let nGood = 0;
  let nBad = 0;
  try {
    for await (const batch of batches) {
      let goodText = "";
      let badText = "";
      for (const record of batch) {
        const fault = faultOf(record, target.nFields);
        if (fault === undefined) {
          goodText += `${record.line},${(record.fields ?? []).map(quoteField).join(",")}\n`;
          nGood++;
        } else {
          badText += `${record.line},${quoteField(fault)},${quoteField(target.mask ?? clip(record.text))}\n`;
          nBad++;
        }
      }
      await write(good, goodText);
      await write(bad, badText);
    }
  } finally {
    good.end();
    bad.end();
    await Promise.all([finished(good), finished(bad)]);
  }
  return { nGood, nBad };
}

function faultOf(record: TextRecord, nFields: number): string | undefined {
  if (record.fields === undefined) return record.fault;
  if (record.fields.length === nFields) return undefined;
  return `${record.fields.length} fields where ${nFields} are expected`;
}

async function write(stream: WriteStream, text: string): Promise<void> {
  if (text === "") return;
  if (!stream.write(text)) await once(stream, "drain");
}

/** A field in the form of RFC 4180, quoted where it must be. */
export function quoteField(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/** At most 1 KiB of UTF-8, cut between characters. */
export function clip(text: string): string {
  const short = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
  return Buffer.byteLength(short) <= 1_024 ? short : short.slice(0, 256).replace(/[\uD800-\uDBFF]$/, "");
}
