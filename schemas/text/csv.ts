/** Starts of cells that a spreadsheet takes for a formula. A minus sign is one too, unless a number follows. */
const FORMULA_START = /^[=+@\t\r]|^-(?![\d.]+(?:e[+-]?\d+)?$)/i;

/**
 * CSV text (RFC 4180, LF line ends) that is data in every spreadsheet: a text cell that would be read as a
 * formula gets an apostrophe in front.
 */
export function csvText(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(csvCell).join(",")}\n`).join("");
}

/** The same for machines: every cell as it is, formulas too. */
export function exactCsvText(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map((cell) => quoted(String(cell))).join(",")}\n`).join("");
}

function csvCell(value: string | number): string {
  return quoted(typeof value === "string" && FORMULA_START.test(value) ? `'${value}` : String(value));
}

function quoted(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
