import type { Machine } from "./machine.ts";
import type { BenchRow } from "./row.ts";
import type { BenchSuite, SuiteResult } from "./suite.ts";

const COLUMNS = ["work", "ours", "peer", "unit", "ratio", "aim", "kind", "met"] as const;

/** The rows as a table for a terminal. */
export function textTable(rows: readonly BenchRow[]): string {
  const lines = [COLUMNS.map(String), ...rows.map(cells)];
  const widths = COLUMNS.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? "").length)));
  return lines
    .map((line) => line.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

/**
 * Puts a suite's result between its markers in docs/benchmarks.md, or appends the section.
 *
 * @param document  present text of the page
 * @param date      day of the run, `YYYY-MM-DD`
 * @returns the new text; everything outside the markers is kept as it is
 */
export function withSection(
  document: string,
  suite: BenchSuite,
  result: SuiteResult,
  from: { readonly machine: Machine; readonly date: string },
): string {
  const begin = `<!-- bench:${suite.name}:begin -->`;
  const end = `<!-- bench:${suite.name}:end -->`;
  const section = `${begin}\n${markdownSection(suite, result, from)}\n${end}`;
  const start = document.indexOf(begin);
  const stop = document.indexOf(end);
  if (start === -1 || stop < start) return `${document.trimEnd()}\n\n${section}\n`;
  return document.slice(0, start) + section + document.slice(stop + end.length);
}

function markdownSection(
  suite: BenchSuite,
  result: SuiteResult,
  { machine, date }: { readonly machine: Machine; readonly date: string },
): string {
  const where = `${date}, ${machine.cores} cores (${machine.model}), ${machine.memoryGiB} GiB, Node ${machine.node}, ${machine.system}`;
  const table = [
    `| ${COLUMNS.join(" | ")} |`,
    `|${COLUMNS.map(() => "---").join("|")}|`,
    ...result.rows.map((row) => `| ${cells(row).join(" | ")} |`),
  ];
  const peers = [...new Set(result.rows.map((row) => row.peerVersion).filter((peer) => peer !== null))];
  const notes = result.notes.map((note) => `- ${note}`);
  return [
    `## ${suite.name}`,
    "",
    suite.about,
    "",
    `Measured ${where}.${peers.length === 0 ? "" : ` Peers: ${peers.join("; ")}.`}`,
    "",
    ...table,
    ...(notes.length === 0 ? [] : ["", ...notes]),
  ].join("\n");
}

function cells(row: BenchRow): string[] {
  const met = row.met === null ? "not known" : row.met ? "yes" : "no";
  return [row.work, row.ours, row.peer ?? "–", row.unit, row.ratio ?? "–", row.aim, row.kind, met].map(
    String,
  );
}
