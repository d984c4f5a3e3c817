import type { DuckDBConnection } from "@duckdb/node-api";
import { quoteLiteral } from "../../schemas/text/sql-quoting.ts";

/** A statement that a locked-down DuckDB must refuse. */
export interface EscapeProbe {
  readonly name: string;
  readonly sql: string;
}

/**
 * Ways out of the allowed directories, one per class: reading, listing, writing, attaching, extensions,
 * network, unlocking, secrets, several statements in one text.
 *
 * @param outside an existing file outside every allowed directory
 * @param inside  an allowed directory, to try `..` from it
 */
export function escapeProbes(outside: string, inside: string): readonly EscapeProbe[] {
  const file = quoteLiteral(outside);
  const climbing = quoteLiteral(`${inside}/../../../../../../../../../..${outside}`);
  return [
    { name: "read a text file", sql: `SELECT * FROM read_text(${file})` },
    { name: "read bytes", sql: `SELECT * FROM read_blob(${file})` },
    {
      name: "read as CSV",
      sql: `SELECT * FROM read_csv(${file}, auto_detect = false, columns = {'a': 'VARCHAR'})`,
    },
    { name: "climb with ..", sql: `SELECT * FROM read_text(${climbing})` },
    { name: "list a folder", sql: `SELECT * FROM glob('/*')` },
    { name: "write a file", sql: `COPY (SELECT 1) TO ${quoteLiteral(`${outside}.aura-probe.csv`)}` },
    { name: "attach a database", sql: `ATTACH ${quoteLiteral(`${outside}.aura-probe.db`)} AS probe` },
    { name: "install an extension", sql: "INSTALL httpfs" },
    { name: "load an extension", sql: "LOAD httpfs" },
    { name: "reach the network", sql: "SELECT * FROM read_csv('http://127.0.0.1:9/x')" },
    { name: "re-enable access", sql: "SET enable_external_access = true" },
    { name: "widen the folders", sql: "SET allowed_directories = ['/']" },
    { name: "unlock", sql: "SET lock_configuration = false" },
    { name: "keep a secret", sql: "CREATE PERSISTENT SECRET probe (TYPE s3)" },
    { name: "run two statements", sql: "SELECT 1; SELECT 2" },
  ];
}

/** Names of the probes that were not refused; empty when the lockdown holds. */
export async function successfulEscapes(
  connection: DuckDBConnection,
  probes: readonly EscapeProbe[],
): Promise<string[]> {
  const successful: string[] = [];
  for (const probe of probes) {
    try {
      const statement = await connection.prepare(probe.sql);
      await statement.run();
      successful.push(probe.name);
    } catch {
      // Refused, as it must be: the error is the good outcome here.
    }
  }
  return successful;
}
