import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Source } from "../../schemas/pipeline/source.ts";
import { quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import { countOf } from "./engine.ts";
import type { IngestEngine } from "./engine.ts";
import { layoutOf } from "./source-layout.ts";

/** A Parquet file of the work folder, not yet an object. */
export interface LocalPart {
  readonly path: string;
  readonly rows: number;
  readonly shard: number;
}

export interface ShardInput {
  readonly engine: IngestEngine;
  readonly source: Source;
  readonly workDir: string;
  readonly stageSql: string;
  /** Refused rows (prov); undefined when there is none. */
  readonly badSql: string | undefined;
  readonly nRows: number;
  /** Part name by file number. */
  readonly partNames: readonly string[];
  readonly signal?: AbortSignal;
}

/** Rows aimed at per shard: sorted in memory, and one unit of later work. */
export const SHARD_ROWS = 1_000_000;
/** Fixed, so that equal rows give equal bytes. */
const PARQUET =
  "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880, PARQUET_VERSION v1";

/**
 * Writes the accepted rows as one sorted Parquet part per shard.
 *
 * An asset is in the shard `sha256(asset) mod nShards`; rows without assets are cut by number. The order
 * (`__asset`, `__t`, `__seq`) is total, so the bytes do not depend on the number of threads. Empty shards have no part.
 */
export async function writeShards(input: ShardInput): Promise<LocalPart[]> {
  const nShards = Math.max(1, Math.ceil(input.nRows / SHARD_ROWS));
  const accepted = acceptedSql(input);
  const filters = await shardFilters(input, nShards);
  const parts: LocalPart[] = [];
  for (const [shard, filter] of filters.entries()) {
    const path = join(input.workDir, `part-${shard}.parquet`);
    const rows = `SELECT * FROM (${accepted})${filter} ORDER BY __asset, __t, __seq`;
    const options = input.signal === undefined ? {} : { signal: input.signal };
    await input.engine.run(`COPY (${rows}) TO ${quoteLiteral(path)} (${PARQUET})`, options);
    const [row] = await input.engine.query(`SELECT count(*) AS n FROM read_parquet(${quoteLiteral(path)})`);
    const n = countOf(row?.["n"]);
    if (n > 0) parts.push({ path, rows: n, shard });
  }
  return parts;
}

/** Accepted rows with their number: position among all staged rows, less the refused rows before it. */
function acceptedSql(input: ShardInput): string {
  const { source, stageSql, badSql } = input;
  const values = layoutOf(source).map((c) => c.stored.physical);
  const numbered =
    badSql === undefined
      ? `SELECT *, prov AS seq FROM ${stageSql}`
      : `SELECT s.*, s.prov - coalesce(b.n, 0) AS seq FROM ${stageSql} s ASOF LEFT JOIN (SELECT prov, row_number() OVER (ORDER BY prov) AS n FROM ${badSql}) b ON s.prov >= b.prov WHERE b.prov IS NULL OR b.prov <> s.prov`;
  const columns = [
    source.asset === undefined ? "'row-' || CAST(seq AS VARCHAR) AS __asset" : "__asset",
    source.time === undefined ? "CAST(seq AS BIGINT) AS __t" : "__t",
    "CAST(seq AS BIGINT) AS __seq",
    `${partNameSql(input.partNames)} AS __part`,
    ...values,
  ];
  return `SELECT ${columns.join(", ")} FROM (${numbered})`;
}

function partNameSql(names: readonly string[]): string {
  const distinct = [...new Set(names)];
  if (distinct.length === 1) return quoteLiteral(distinct[0] ?? "");
  const list = names.map(quoteLiteral).join(", ");
  return `[${list}][__file + 1]`;
}

/** One WHERE clause per shard. */
async function shardFilters(input: ShardInput, nShards: number): Promise<string[]> {
  if (nShards === 1) return [""];
  const numbers = Array.from({ length: nShards }, (_, k) => k);
  if (input.source.asset === undefined) {
    return numbers.map((k) => ` WHERE __seq >= ${k * SHARD_ROWS} AND __seq < ${(k + 1) * SHARD_ROWS}`);
  }
  const rows = await input.engine.query(
    `SELECT DISTINCT __asset AS asset FROM ${input.stageSql} WHERE __err IS NULL ORDER BY asset`,
  );
  const byShard = numbers.map((): string[] => []);
  for (const row of rows) {
    const asset = String(row["asset"]);
    byShard[shardOf(asset, nShards)]?.push(quoteLiteral(asset));
  }
  return byShard.map((assets) => ` WHERE __asset IN (${assets.length === 0 ? "NULL" : assets.join(", ")})`);
}

/** Shard of an asset: the first 48 bits of its SHA-256, modulo. */
export function shardOf(asset: string, nShards: number): number {
  return createHash("sha256").update(asset).digest().readUIntBE(0, 6) % nShards;
}
