import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { numberLiteral, quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import { countOf } from "./engine.ts";
import type { IngestEngine } from "./engine.ts";
import type { SourceFindings } from "./findings.ts";
import { layoutOf } from "./source-layout.ts";

const MAX_VALUES = 10;

/**
 * Holds an events label to its data: at least one accepted event is a failure as `label.where` says. A misspelt value
 * would otherwise give a label without a failure, which only shows when no candidate can be judged.
 *
 * @throws {PlatformError} invalid_pipeline: there is none; says what the columns hold instead
 */
export async function requireFailures(
  given: { readonly pipeline: Pipeline; readonly duckdb: IngestEngine },
  findings: readonly SourceFindings[],
): Promise<void> {
  const { label } = given.pipeline;
  if (label.kind !== "events" || label.where === undefined) return;
  const found = findings.find((f) => f.ingested.name === label.source);
  if (found === undefined || found.ingested.parts.length === 0) return;
  const from = `read_parquet([${found.ingested.parts.map((p) => quoteLiteral(p.path)).join(", ")}])`;
  const layout = storedColumns(found);
  const tests: string[] = [];
  for (const [name, wanted] of Object.entries(label.where)) {
    const column = layout.get(name);
    // Checked with the pipeline file: the column is declared.
    if (column === undefined) return;
    const list = Array.isArray(wanted) ? wanted : [wanted];
    const literals = list.map((v) => (column.isText ? quoteLiteral(String(v)) : numberLiteral(Number(v))));
    tests.push(`${column.physical} IN (${literals.join(", ")})`);
  }
  if (tests.length === 0) return;
  const [row] = await given.duckdb.query(`SELECT count(*) AS n FROM ${from} WHERE ${tests.join(" AND ")}`);
  if (countOf(row?.["n"]) > 0) return;
  const seen = new Map<string, readonly string[]>();
  for (const name of Object.keys(label.where)) {
    const physical = layout.get(name)?.physical ?? "NULL";
    const sql = `SELECT DISTINCT CAST(${physical} AS VARCHAR) AS v FROM ${from} WHERE ${physical} IS NOT NULL ORDER BY v LIMIT ${MAX_VALUES + 1}`;
    seen.set(
      name,
      (await given.duckdb.query(sql)).map((r) => String(r["v"])),
    );
  }
  throw noFailures(given.pipeline, seen);
}

function storedColumns({ source }: SourceFindings): Map<string, { physical: string; isText: boolean }> {
  return new Map(
    layoutOf(source).map(({ column, stored }) => [
      column.name,
      { physical: stored.physical, isText: column.type === "text" },
    ]),
  );
}

/** The error of a label whose `where` no event fulfils. @param seen column of `where` → what stands there */
export function noFailures(pipeline: Pipeline, seen: ReadonlyMap<string, readonly string[]>): PlatformError {
  const { label } = pipeline;
  const where = label.kind === "events" ? (label.where ?? {}) : {};
  const wanted = Object.entries(where).map(
    ([name, value]) => `${name} = ${(Array.isArray(value) ? value : [value]).join(" or ")}`,
  );
  const values = [...seen].map(([name, all]) => {
    const more = all.length > MAX_VALUES ? ", …" : "";
    return `${name} = ${all.slice(0, MAX_VALUES).join(", ") || "nothing"}${more}`;
  });
  const source = label.kind === "events" ? label.source : "";
  const expected = `an event of ${source} with ${wanted.join(" and ")}`;
  const found = `none; there is ${values.join("; ")}`;
  return new PlatformError("invalid_pipeline", `label.where: expected ${expected}, found ${found}`, {
    locations: [{ field: "label.where", expected, found }],
  });
}
