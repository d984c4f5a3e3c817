/**
 * The one place where text becomes part of SQL (DuckDB and PostgreSQL alike). Column, feature and file
 * names are data from strangers: they reach SQL through these two functions or as parameters, never otherwise.
 */

/**
 * A double-quoted SQL identifier: `a"b` → `"a""b"`.
 *
 * @throws {RangeError} for an empty name or one with a NUL, which no SQL text can hold
 */
export function quoteIdentifier(name: string): string {
  if (name === "") throw new RangeError("SQL identifier: expected a name, got ''");
  return `"${requireNoNul("identifier", name).replaceAll('"', '""')}"`;
}

/**
 * A single-quoted SQL string: `it's` → `'it''s'`. Backslashes are plain characters (no E'' strings).
 *
 * @throws {RangeError} for a text with a NUL
 */
export function quoteLiteral(text: string): string {
  return `'${requireNoNul("literal", text).replaceAll("'", "''")}'`;
}

/**
 * A SQL DOUBLE with exactly the value of `value` (shortest decimal text that reads back the same bits).
 *
 * @throws {RangeError} for NaN and infinities
 */
export function numberLiteral(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`SQL number: expected a finite number, got ${value}`);
  const text = Object.is(value, -0) ? "-0" : String(value);
  return `${text.startsWith("-") ? `(${text}` : text}${text.includes("e") ? "" : "e0"}${text.startsWith("-") ? ")" : ""}`;
}

function requireNoNul(what: string, text: string): string {
  if (text.includes("\0")) throw new RangeError(`SQL ${what}: expected text without NUL`);
  return text;
}

/**
 * SQL that is true where a text is one of some words.
 *
 * Not `IN`: from six words on DuckDB makes a join of it, some 16 MB and 40 ms for every column that is checked so.
 */
export function isOneOfSql(sql: string, words: readonly string[]): string {
  return `list_contains([${words.map(quoteLiteral).join(", ")}]::VARCHAR[], ${sql})`;
}
