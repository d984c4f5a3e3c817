import { quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import type { SourceFindings } from "./findings.ts";
import type { IngestEngine } from "./engine.ts";
import type { LocalPart } from "./shards.ts";
import type { IngestedSource } from "./source-ingest.ts";

/** How `files/rewrite` writes lines that are no record, for `read_csv`. */
export const BAD_CSV =
  "auto_detect = false, header = false, delim = ',', quote = '\"', escape = '\"', new_line = '\\n', max_line_size = 4194304, columns = {line: 'BIGINT', message: 'VARCHAR', text: 'VARCHAR'}";

/**
 * Writes every quarantined row of every source into one Parquet file: source, file, line, code, message, text, and
 * asset where the row names one, in the order of sources, files and lines. Returns undefined, and writes nothing, when there is none.
 */
export async function writeQuarantine(
  engine: IngestEngine,
  findings: readonly SourceFindings[],
  path: string,
): Promise<LocalPart | undefined> {
  const rows = findings.reduce((n, f) => n + f.counts.quarantined, 0);
  if (rows === 0) return undefined;
  const selects = findings.flatMap((f, i) => quarantinedRows(f.ingested, i));
  const columns = "source, file, CAST(line AS BIGINT) AS line, code, message, text, asset";
  const sql = `SELECT ${columns} FROM (${selects.join(" UNION ALL ")}) ORDER BY source_number, file_number, line, code`;
  await engine.run(
    `COPY (${sql}) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)`,
  );
  return { path, rows, shard: 0 };
}

function quarantinedRows(ingested: IngestedSource, sourceNumber: number): string[] {
  const selects: string[] = [];
  const source = `${quoteLiteral(ingested.name)} AS source, ${sourceNumber} AS source_number`;
  if (ingested.badPath !== "") {
    const names = ingested.files.map((f) => quoteLiteral(f.resolved.name)).join(", ");
    const codes = ingested.errors.map((e) => quoteLiteral(e.code)).join(", ");
    const messages = ingested.errors.map((e) => quoteLiteral(e.message)).join(", ");
    selects.push(
      `SELECT ${source}, [${names}][file + 1] AS file, file AS file_number, line, [${codes}][err + 1] AS code, [${messages}][err + 1] AS message, text, ${namedAsset("asset")} FROM read_parquet(${quoteLiteral(ingested.badPath)})`,
    );
  }
  for (const [i, { resolved, scanned }] of ingested.files.entries()) {
    if (scanned.kind !== "text" || scanned.nBad === 0 || scanned.badPath === undefined) continue;
    selects.push(
      `SELECT ${source}, ${quoteLiteral(resolved.name)} AS file, ${i} AS file_number, line, 'wrong_columns' AS code, message, coalesce(text, '') AS text, NULL::VARCHAR AS asset FROM read_csv(${quoteLiteral(scanned.badPath)}, ${BAD_CSV})`,
    );
  }
  return selects;
}

/** What is refused as an id names no asset. */
function namedAsset(column: string): string {
  return `CASE WHEN strlen(${column}) BETWEEN 1 AND 128 THEN ${column} END AS asset`;
}
