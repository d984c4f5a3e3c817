import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { quoteLiteral } from "../../schemas/text/sql-quoting.ts";
import type { ResultColumn, SqlEngine } from "../sql-engine.ts";

/** A plain DuckDB for the tests of this room, which may not import `stores`. */
export interface TestEngine extends SqlEngine {
  readonly folder: string;
  run(sql: string): Promise<void>;
  close(): Promise<void>;
}

/** @param threads of DuckDB; results must not depend on it */
export async function createTestEngine(threads = 2): Promise<TestEngine> {
  const folder = await mkdtemp(join(tmpdir(), "aura-features-"));
  const instance = await DuckDBInstance.create(":memory:", { threads: String(threads) });
  const connection = await instance.connect();
  return {
    folder,
    async run(sql) {
      await connection.run(sql);
    },
    async columns(sql) {
      const reader = await connection.runAndReadAll(sql);
      const columns: Record<string, ResultColumn> = {};
      // Once: each call makes values of all columns.
      const found = reader.getColumns();
      const types = reader.columnTypes();
      reader.columnNames().forEach((name, i) => {
        columns[name] = typedColumn(found[i] ?? [], String(types[i]));
      });
      return { nRows: reader.currentRowCount, columns };
    },
    parquet: (paths) => Promise.resolve(`read_parquet([${paths.map(quoteLiteral).join(", ")}])`),
    async copyToParquet(select, path, { orderBy = [] } = {}) {
      const order = orderBy.length === 0 ? "" : ` ORDER BY ${orderBy.join(", ")}`;
      const result = await connection.run(
        `COPY (SELECT * FROM (${select})${order}) TO ${quoteLiteral(path)} (FORMAT parquet)`,
      );
      return Number((await result.getRows())[0]?.[0] ?? 0);
    },
    async close() {
      connection.closeSync();
      instance.closeSync();
      await rm(folder, { recursive: true });
    },
  };
}

function typedColumn(values: readonly unknown[], type: string): ResultColumn {
  if (type === "BIGINT") return BigInt64Array.from(values as bigint[]);
  if (type === "VARCHAR") return values as (string | null)[];
  return Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value)));
}
