import { InvalidArgumentError } from "commander";
import { z } from "zod";
import type { Query } from "./client.ts";
import { withApi } from "./connection.ts";
import type { CliContext } from "./context.ts";
import type { Output } from "./output.ts";

/** Reply of every list of the API. */
export function itemsOf<T>(row: z.ZodType<T>): z.ZodType<{ items: T[] }> {
  return z.looseObject({ items: z.array(row) });
}

/** Title of a column, and its cell. */
export type ListColumn<T> = readonly [title: string, cell: (row: T) => string | number | null | undefined];

export interface ListOptions<T> {
  readonly json?: boolean | undefined;
  /** Line that stands for an empty list. */
  readonly empty: string;
  /** Rows that are shown; of those beyond it is said that they are there. Absent: all. */
  readonly limit?: number | undefined;
  readonly columns: readonly ListColumn<T>[];
}

/** What the API gives at once. */
const MOST_ROWS = 1_000;

/** What to ask for so that a list of so many rows knows whether there are more. */
export function askedFor(limit: number): number {
  return Math.min(limit + 1, MOST_ROWS);
}

/** Prints rows as one JSON list, or as a table for people. */
export function showList<T>(output: Output, rows: readonly T[], options: ListOptions<T>): void {
  const { limit = Infinity } = options;
  const shown = rows.length > limit ? rows.slice(0, limit) : rows;
  if (options.json === true) output.json(shown);
  else if (rows.length === 0) output.line(options.empty);
  else {
    output.table(
      options.columns.map(([title]) => title),
      shown.map((row) => options.columns.map(([, cell]) => String(cell(row) ?? "-"))),
    );
  }
  // Beside the list and not in it: what reads it must learn that it is not all there is.
  if (rows.length > shown.length)
    output.note(`${shown.length} of more: --limit <n> shows up to ${MOST_ROWS}`);
  else if (limit === MOST_ROWS && rows.length === MOST_ROWS)
    output.note(`${MOST_ROWS}, the most at once; there may be more`);
}

/** A list of the API: where it is, what one row must be, what to ask for (a `limit` is what is shown), and how it is shown. */
export interface ListCommand<T> extends ListOptions<T> {
  readonly path: string;
  readonly row: z.ZodType<T>;
  readonly query?: Query;
}

/** Asks the API for a list and prints it: the whole of a command that lists. */
export async function showListAt<T>(context: CliContext, command: ListCommand<T>): Promise<void> {
  const { path, row, query } = command;
  const limit = typeof query?.["limit"] === "number" ? query["limit"] : undefined;
  const asked = limit === undefined ? query : { ...query, limit: askedFor(limit) };
  const { items } = await withApi(context, { start: "if-made" }, ({ client }) =>
    client.get(path, itemsOf(row), asked),
  );
  showList(context.output, items, { ...command, limit });
}

/** One thing of the API: where it is, what it must be, and how people read it. */
export interface ShowCommand<T> {
  readonly path: string;
  readonly reply: z.ZodType<T>;
  readonly query?: Query;
  readonly json?: boolean | undefined;
  readonly show: (output: Output, found: T) => void;
}

/** Asks the API for one thing and prints it: the whole of a command that shows. */
export async function showAt<T>(context: CliContext, command: ShowCommand<T>): Promise<void> {
  const { path, reply, query, json, show } = command;
  const found = await withApi(context, { start: "if-made" }, ({ client }) => client.get(path, reply, query));
  if (json === true) context.output.json(found);
  else show(context.output, found);
}

/** Option parser of `--limit`. */
export function parseLimit(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1_000) return value;
  throw new InvalidArgumentError("expected a whole number from 1 to 1000");
}

/** Option parser of version numbers. */
export function parseVersion(text: string): number {
  const value = Number(text.replace(/^@/, ""));
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("expected a version number from 1");
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Option parser of points in time: ISO 8601, or how long ago, e.g. `24h`. */
export function parseSince(text: string, now: number = Date.now()): string {
  const ago = /^(\d{1,6})([smhdw])$/.exec(text);
  // Date.parse takes much that is no time, such as a bare number.
  const written = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  const at = ago === null ? written : now - Number(ago[1]) * (UNIT_MS[ago[2] ?? ""] ?? 0);
  if (Number.isFinite(at)) return new Date(at).toISOString();
  throw new InvalidArgumentError("expected a time such as 2026-01-31T12:00:00Z, or 30m, 24h, 7d ago");
}

/** A time of the API as people read it; whole seconds. */
export function timeText(at: string | null | undefined): string {
  return at === null || at === undefined ? "-" : at.replace(/\.\d+Z$/, "Z").replace("T", " ");
}
