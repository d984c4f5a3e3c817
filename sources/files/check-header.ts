import type { Source } from "../../schemas/pipeline/source.ts";
import { withSuggestion } from "../../schemas/pipeline/reading/nearest.ts";
import type { ErrorLocation } from "../../schemas/platform-error.ts";
import { readHead, readTextBytes } from "./byte-stream.ts";
import type { LocalFile } from "./byte-stream.ts";
import { badFile } from "./bad-file.ts";
import { readColumns } from "./scan-file.ts";

/**
 * What is wrong with the columns of a file, from its first line alone; empty when they fit. JSON lines and Parquet
 * are only looked at for being what they are said to be.
 *
 * @throws {PlatformError} bad_file: missing, empty, another format, a first line that cannot be read
 */
export async function checkHeader(
  file: LocalFile,
  rules: { readonly source: Source; readonly maxSchemaDrift: number },
): Promise<ErrorLocation[]> {
  const { source } = rules;
  const head = await readHead(file);
  const isParquet = source.format.type === "parquet";
  if (head.isParquet !== isParquet) {
    throw badFile(file.name, {
      expected: source.format.type,
      found: head.isParquet ? "Parquet" : "other bytes",
    });
  }
  if (source.format.type !== "csv") return [];
  const columns = await readColumns(file, source, readTextBytes(file, head.isGzip));
  const declared = source.columns.map((c) => c.name);
  const keys = [source.asset, source.time?.column].filter((k) => k !== undefined);
  const missing = [...new Set([...keys, ...declared])].filter((c) => !columns.includes(c));
  const unknown = columns.filter((c) => !declared.includes(c) && !keys.includes(c));
  const isTolerated =
    missing.length / declared.length <= rules.maxSchemaDrift && !missing.some((c) => keys.includes(c));
  const at = { file: file.name, line: 1 };
  return [
    ...(isTolerated
      ? []
      : missing.map((c) => ({
          ...at,
          expected: withSuggestion(`a column '${c}'`, c, unknown),
          found: "none",
        }))),
    ...(source.unknownColumns === "ignore"
      ? []
      : unknown.map((c) => ({
          ...at,
          expected: withSuggestion("declared columns only", c, missing),
          found: `'${c}'`,
        }))),
  ];
}
