/**
 * What files say about each other: a machine column of any name shows by standing in several tables, by being
 * constant in each file of a machine, or by telling apart the rows of one time.
 */
import type { FileGuess } from "./guess.ts";
import { EVENT_FILE, FAILURE_FILE, guessTime } from "./guess.ts";
import type { ColumnProfile } from "./column-profile.ts";

/** A value of a machine column stands in at least so many rows on average, where the column repeats. */
const MIN_REPEATS = 3;
/** An events table has at most this share of the readings' rows. */
const MAX_EVENT_SHARE = 0.5;

/**
 * The guesses with the asset that the files have in common, and with the tables beside the readings as events or
 * attributes. What a file alone already told stays. Files without a header are left as they are.
 */
export function relateFiles(files: readonly FileGuess[]): readonly FileGuess[] {
  const main = mainOf(files.filter((file) => file.role === "readings" && file.sample.hasHeader));
  if (main === undefined) return files;
  const key = main.asset ?? sharedKey(main, files) ?? keyPerFile(main, files) ?? keyBesideTime(main);
  if (key === undefined) return files;
  const nRows = rowsOf(files.filter((file) => isSameShape(file, main)));
  const related = files.map((file) => relate(file, { key, main, nRows }));
  // The first events are the label: failures before maintenance.
  const isFailures = (file: FileGuess): boolean => file.role === "events" && FAILURE_FILE.test(stemOf(file));
  return [...related.filter(isFailures), ...related.filter((file) => !isFailures(file))];
}

/** Readings have a time, most rows, and most numbers. */
function mainOf(files: readonly FileGuess[]): FileGuess | undefined {
  const nFloats = (file: FileGuess): number => file.columns.filter((c) => c.type === "float").length;
  const size = (file: FileGuess): number => rowsOf(files.filter((other) => isSameShape(other, file)));
  return files
    .filter((file) => file.time !== undefined)
    .sort((a, b) => size(b) - size(a) || nFloats(b) - nFloats(a))[0];
}

function rowsOf(files: readonly FileGuess[]): number {
  return files.reduce((sum, file) => sum + file.sample.rows.length, 0);
}

function isSameShape(a: FileGuess, b: FileGuess): boolean {
  return a.sample.columns.join("\n") === b.sample.columns.join("\n");
}

function stemOf({ sample }: FileGuess): string {
  return sample.name.split("/").at(-1) ?? sample.name;
}

/** Texts and whole numbers; the time is none. Texts first: numbers are more often readings. */
function keyColumns(file: FileGuess): readonly ColumnProfile[] {
  const free = file.columns.filter((c) => c.name !== file.time?.column);
  return [...free.filter((c) => c.type === "text"), ...free.filter((c) => c.type === "integer")];
}

function valuesIn(file: FileGuess, column: string): ReadonlySet<string> {
  const index = file.sample.columns.indexOf(column);
  return new Set(file.sample.rows.map((row) => (row[index] ?? "").trim()).filter((value) => value !== ""));
}

/** A column that repeats in the readings, and whose values stand under the same name in a table of another form. */
function sharedKey(main: FileGuess, files: readonly FileGuess[]): string | undefined {
  const others = files.filter((file) => file.sample.hasHeader && !isSameShape(file, main));
  const isShared = (name: string, other: FileGuess): boolean => {
    if (!keyColumns(other).some((c) => c.name === name)) return false;
    const [few, many] = [valuesIn(main, name), valuesIn(other, name)].sort((a, b) => a.size - b.size);
    if (few === undefined || many === undefined || few.size === 0 || many.size < 2) return false;
    return [...few].filter((value) => many.has(value)).length >= few.size / 2;
  };
  const nRows = main.sample.rows.length;
  const shared = keyColumns(main).filter(
    (c) => c.nDistinct * MIN_REPEATS <= nRows && others.some((other) => isShared(c.name, other)),
  );
  const isOneRowEach = ({ name }: ColumnProfile): boolean =>
    others.some((other) => other.columns.some((c) => c.name === name && c.isUnique));
  // The site is shared as well: the machine is what has a row of its own, or one at each time.
  return (shared.find(isOneRowEach) ?? shared.find((c) => tellsRowsApart(main, c)) ?? shared[0])?.name;
}

/** Constant in every file of the same form, and another value in each. */
function keyPerFile(main: FileGuess, files: readonly FileGuess[]): string | undefined {
  const alike = files.filter((file) => isSameShape(file, main));
  if (alike.length < 2) return undefined;
  return keyColumns(main).find(({ name }) => {
    const values = alike.map((file) => valuesIn(file, name));
    const all = new Set(values.flatMap((set) => [...set]));
    return values.every((set) => set.size === 1) && all.size === alike.length;
  })?.name;
}

/** Rows of one time that a text tells apart are rows of several machines. */
function keyBesideTime(main: FileGuess): string | undefined {
  const { rows, columns } = main.sample;
  const timeIndex = columns.indexOf(main.time?.column ?? "");
  if (new Set(rows.map((row) => row[timeIndex])).size === rows.length) return undefined;
  const isKey = (c: ColumnProfile): boolean =>
    c.type === "text" &&
    c.nDistinct > 1 &&
    c.nDistinct * MIN_REPEATS <= rows.length &&
    tellsRowsApart(main, c);
  return keyColumns(main).find(isKey)?.name;
}

/** Whether no value stands twice at one time. */
function tellsRowsApart({ sample, time }: FileGuess, { name }: ColumnProfile): boolean {
  const [index, timeIndex] = [sample.columns.indexOf(name), sample.columns.indexOf(time?.column ?? "")];
  const pairs = new Set(sample.rows.map((row) => `${row[index] ?? ""}\n${row[timeIndex] ?? ""}`));
  return pairs.size === sample.rows.length;
}

interface Relation {
  readonly key: string;
  readonly main: FileGuess;
  /** Rows of the readings. */
  readonly nRows: number;
}

function relate(file: FileGuess, { key, main, nRows }: Relation): FileGuess {
  const column = file.columns.find((c) => c.name === key);
  if (column === undefined || file.role !== "readings") return file;
  const { sample, columns } = file;
  if (isSameShape(file, main)) return { ...file, asset: key };
  const time = guessTime(columns);
  const isEvents =
    time !== undefined && isEventTable(file, key) && sample.rows.length <= nRows * MAX_EVENT_SHARE;
  const isNamed = EVENT_FILE.test(stemOf(file));
  if (isEvents && time !== undefined && (isNamed || !column.isUnique))
    return { sample, columns, role: "events", asset: key, time };
  if (column.isUnique) return { sample, columns, role: "attributes", asset: key };
  return { ...file, asset: key };
}

/** Named like one, with words about what happened, or with nothing beside machine and time. */
function isEventTable(file: FileGuess, key: string): boolean {
  const rest = file.columns.filter((c) => c.name !== key && c.type !== "timestamp");
  return EVENT_FILE.test(stemOf(file)) || rest.length === 0 || rest.some((c) => c.type === "text");
}
