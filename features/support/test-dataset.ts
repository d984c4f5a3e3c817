import { writeFile } from "node:fs/promises";
import type { DatasetManifest, DatasetSource, StoredColumn } from "../../schemas/data/dataset.ts";
import { pipelineSchema } from "../../schemas/pipeline/pipeline.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { numberLiteral, quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import type { TestEngine } from "./test-engine.ts";

export type Cell = number | string | boolean | null;

/** A small source written for a test; rows in file order. */
export interface TestSource {
  readonly role?: DatasetSource["role"];
  readonly hasAsset?: boolean;
  readonly timeKind?: DatasetSource["timeKind"];
  readonly columns: readonly { readonly name: string; readonly type: StoredColumn["type"] }[];
  readonly rows: readonly { asset?: string; t?: number; part?: string; values: readonly Cell[] }[];
}

const ZERO_HASH = "0".repeat(64);

/** Manifest of the sources, as ingest would write it (without real objects). */
export function manifestOf(sources: Readonly<Record<string, TestSource>>): DatasetManifest {
  return {
    kind: "aura.dataset/1",
    pipeline: "test",
    owner: "test",
    retention: "5y",
    raw: [],
    sources: Object.fromEntries(
      Object.entries(sources).map(([name, source]) => [
        name,
        {
          role: source.role ?? "readings",
          hasAsset: source.hasAsset ?? true,
          timeKind: source.timeKind ?? "cycle",
          columns: source.columns.map((column, i) => ({
            ...column,
            physical: `v${i}`,
            use: "feature" as const,
          })),
          schemaHash: ZERO_HASH,
          parts: [],
          counts: { read: 0, accepted: 0, quarantined: 0, byReason: {} },
          nAssets: 0,
        },
      ]),
    ),
  };
}

/** A pipeline over those sources; `rest` gives label, task and features. */
export function pipelineOf(sources: Readonly<Record<string, TestSource>>, rest: object): Pipeline {
  return pipelineSchema.parse({
    name: "test",
    sources: Object.fromEntries(
      Object.entries(sources).map(([name, source]) => [
        name,
        {
          role: source.role ?? "readings",
          files: "x.csv",
          ...((source.hasAsset ?? true) ? { asset: "asset_id" } : {}),
          ...((source.timeKind ?? "cycle") === "none"
            ? {}
            : { time: { column: "time", kind: source.timeKind ?? "cycle" } }),
          columns: source.columns,
        },
      ]),
    ),
    label: { kind: "end_of_life", ends: [{ at: "last_reading" }] },
    task: { kind: "rul" },
    ...rest,
  });
}

/** Writes each source as one Parquet part, sorted as ingest sorts. */
export async function writeSources(
  engine: Pick<TestEngine, "folder" | "copyToParquet">,
  sources: Readonly<Record<string, TestSource>>,
  prefix: string,
): Promise<Record<string, string[]>> {
  const paths: Record<string, string[]> = {};
  for (const [name, source] of Object.entries(sources)) {
    const path = `${engine.folder}/${prefix}-${name}.parquet`;
    const isLong = source.rows.length > MOST_VALUES;
    const sql = isLong ? await longSourceSql(source, `${path}.jsonl`) : sourceSql(source);
    await engine.copyToParquet(sql, path, { orderBy: ["__asset", "__t", "__seq"] });
    paths[name] = [path];
  }
  return paths;
}

/** Rows as part of a statement take DuckDB the longer the more there are; beyond these they go through a file. */
const MOST_VALUES = 500;

async function longSourceSql(source: TestSource, path: string): Promise<string> {
  const lines = source.rows.map(({ asset, t, part, values }, seq) =>
    JSON.stringify({
      __asset: asset ?? `row-${seq}`,
      __t: t ?? seq,
      __seq: seq,
      __part: part ?? "",
      ...Object.fromEntries(
        values.map((value, i) => [`v${i}`, typeof value === "boolean" ? Number(value) : value]),
      ),
    }),
  );
  await writeFile(path, lines.join("\n"));
  const types = {
    __asset: "VARCHAR",
    __t: "BIGINT",
    __seq: "BIGINT",
    __part: "VARCHAR",
    ...Object.fromEntries(source.columns.map(({ type }, i) => [`v${i}`, storedType(type)])),
  };
  const columns = Object.entries(types).map(([name, type]) => `${name}: '${type}'`);
  return `SELECT * FROM read_json(${quoteLiteral(path)}, format = 'newline_delimited', columns = {${columns.join(", ")}})`;
}

function storedType(type: StoredColumn["type"]): string {
  return type === "text" ? "VARCHAR" : type === "timestamp" ? "BIGINT" : "DOUBLE";
}

function sourceSql(source: TestSource): string {
  const types = source.columns.map(({ type }) => storedType(type));
  const rows = source.rows.map(({ asset, t, part, values }, seq) =>
    [
      quoteLiteral(asset ?? `row-${seq}`),
      String(t ?? seq),
      String(seq),
      quoteLiteral(part ?? ""),
      ...values.map(literal),
    ].join(", "),
  );
  const columns = [
    "CAST(c0 AS VARCHAR) AS __asset, CAST(c1 AS BIGINT) AS __t, CAST(c2 AS BIGINT) AS __seq, CAST(c3 AS VARCHAR) AS __part",
    ...types.map((type, i) => `CAST(c${i + 4} AS ${type}) AS v${i}`),
  ];
  const names = Array.from({ length: types.length + 4 }, (_, i) => `c${i}`);
  const values =
    rows.length === 0 ? `(${names.map(() => "NULL").join(", ")})` : rows.map((r) => `(${r})`).join(", ");
  const where = rows.length === 0 ? " WHERE false" : "";
  return `SELECT ${columns.join(", ")} FROM (VALUES ${values}) t(${names.join(", ")})${where}`;
}

function literal(value: Cell): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return quoteLiteral(value);
  return numberLiteral(Number(value));
}
