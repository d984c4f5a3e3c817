/** A column of a result: numbers (NaN = missing), 64-bit integers, or text (null = missing). */
export type ResultColumn = Float64Array | BigInt64Array | (string | null)[];

/** Rows column by column. */
export interface ResultTable {
  readonly nRows: number;
  readonly columns: Readonly<Record<string, ResultColumn>>;
}

/**
 * What this room needs of a database; `stores/duckdb` fits it as it is.
 *
 * Guarantees: one statement per call; `parquet` checks the files before naming them in SQL; `copyToParquet` writes
 * the whole file or throws.
 */
export interface SqlEngine {
  columns(sql: string): Promise<ResultTable>;
  /** Table expression over Parquet files. */
  parquet(paths: readonly string[]): Promise<string>;
  /** @returns rows written */
  copyToParquet(
    selectSql: string,
    path: string,
    options?: { readonly orderBy?: readonly string[]; readonly signal?: AbortSignal },
  ): Promise<number>;
}
