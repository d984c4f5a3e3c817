/**
 * What ingest needs of DuckDB: run one statement, or read its rows. `stores/duckdb` provides it, locked down to the
 * work folder and the folders of the raw files.
 *
 * Nothing is kept in the engine between two statements (each may run on another connection): everything that
 * lasts is a file in the work folder. The engine must keep `preserve_insertion_order` on: the n-th row of a staged
 * file is the n-th record of its original.
 */
export interface IngestEngine {
  run(sql: string, options?: { readonly signal?: AbortSignal }): Promise<unknown>;
  query(
    sql: string,
    options?: { readonly signal?: AbortSignal },
  ): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** A number of a query result, which may come as a bigint; NULL and absent are 0. */
export function countOf(value: unknown): number {
  return value === null || value === undefined ? 0 : Number(value);
}
