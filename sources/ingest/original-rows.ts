import { rm, writeFile } from "node:fs/promises";
import { quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import { readHead, readTextBytes } from "../files/byte-stream.ts";
import type { LocalFile } from "../files/byte-stream.ts";
import { readRecords } from "../files/record-reader.ts";
import { clip, quoteField } from "../files/rewrite.ts";
import type { Source } from "../../schemas/pipeline/source.ts";
import { countOf } from "./engine.ts";
import type { IngestEngine } from "./engine.ts";
import { hasPersonal } from "./personal-columns.ts";

/** Rows whose original text is looked up; further ones keep the text of their converted values. */
const MAX_ROWS = 10_000;

export interface OriginalsInput {
  readonly engine: IngestEngine;
  readonly source: Source;
  readonly files: readonly LocalFile[];
  /** Relation of refused rows (prov, err, text, file, line, asset). */
  readonly badSql: string;
  /** Error numbers of rows that were refused beside others, whose text was not kept while staging. */
  readonly errs: readonly number[];
  /** A file to write for the time of `use`. */
  readonly path: string;
}

/**
 * Calls `use` with the refused rows, the text of those that were good by themselves as it stands in their file. A
 * duplicate is only seen when all rows are staged, and to keep every row's text for it would double the work folder. In a
 * source with personal columns the converted values, which have none of them, are all that is kept.
 */
export async function withOriginals(
  input: OriginalsInput,
  use: (badSql: string) => Promise<unknown>,
): Promise<void> {
  const { engine, badSql, errs, path } = input;
  const wanted =
    errs.length === 0 || input.source.format.type === "parquet" || hasPersonal(input.source)
      ? []
      : await engine.query(
          `SELECT prov, file, line FROM ${badSql} WHERE err IN (${errs.join(", ")}) ORDER BY prov LIMIT ${MAX_ROWS}`,
        );
  let csv = "";
  for (const [i, file] of input.files.entries()) {
    const provOf = new Map(
      wanted.filter((r) => countOf(r["file"]) === i).map((r) => [countOf(r["line"]), countOf(r["prov"])]),
    );
    if (provOf.size > 0) csv += await textsOf(file, input.source, provOf);
  }
  if (csv === "") {
    await use(badSql);
    return;
  }
  await writeFile(path, csv);
  try {
    const options =
      "auto_detect = false, header = false, delim = ',', quote = '\"', escape = '\"', new_line = '\\n', max_line_size = 4194304, columns = {prov: 'BIGINT', original: 'VARCHAR'}";
    const originals = `read_csv(${quoteLiteral(path)}, ${options})`;
    await use(
      `(SELECT b.* REPLACE (coalesce(o.original, b.text) AS text) FROM ${badSql} AS b LEFT JOIN ${originals} AS o ON o.prov = b.prov)`,
    );
  } finally {
    await rm(path, { force: true });
  }
}

async function textsOf(file: LocalFile, source: Source, provOf: Map<number, number>): Promise<string> {
  const { isGzip } = await readHead(file);
  const delimiter = source.format.type === "jsonl" ? "whitespace" : source.format.delimiter;
  let csv = "";
  for await (const batch of readRecords(readTextBytes(file, isGzip), { name: file.name, delimiter })) {
    for (const { line, text } of batch) {
      const prov = provOf.get(line);
      if (prov === undefined) continue;
      csv += `${prov},${quoteField(clip(text))}\n`;
      provOf.delete(line);
    }
    if (provOf.size === 0) break;
  }
  return csv;
}
