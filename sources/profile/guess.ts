/**
 * Guesses what the columns and files of a new user mean. Guesses are by name and by how values run; every one is
 * told to the user, who checks it. The order of the rules is the order of their certainty.
 */
import type { ColumnProfile } from "./column-profile.ts";
import { profileColumns } from "./column-profile.ts";
import type { TimeFormat } from "../files/time-text.ts";
import type { FileSample } from "./sample-file.ts";

export type Role = "readings" | "events" | "attributes" | "labels";

export interface TimeGuess {
  readonly column: string;
  readonly kind: "timestamp" | "cycle";
  readonly epochUnit?: "s" | "ms" | "us";
  /** Absent for ISO 8601. */
  readonly format?: TimeFormat;
}

export interface FileGuess {
  readonly sample: FileSample;
  readonly columns: readonly ColumnProfile[];
  readonly role: Role;
  readonly asset?: string;
  readonly time?: TimeGuess;
}

const ASSET_NAME =
  /(^|[_\s-])(asset|unit|machine|engine|device|equipment|turbine|pump|motor|station|vehicle|serial)(s?|[_\s-]?(id|no|nr|number|name|key))$|^id$/i;
const CYCLE_NAME = /cycle|step|tick|operat.*hour|runtime|^t$/i;
const TIME_NAME = /time|date|stamp|^ts$/i;
export const EVENT_FILE =
  /event|fail|error|maint|alarm|fault|repair|work.?order|break|incident|st(ö|oe)r|ausf(a|ä|ae)ll|schad|schäd|wartung/i;
export const FAILURE_FILE = /fail|break|fault|st(ö|oe)r|ausf(a|ä|ae)ll|schad|schäd/i;
const ATTRIBUTE_FILE = /attrib|meta|static|machines|assets|master/i;
const LABEL_FILE = /rul|label|truth|target/i;

/** Profiles a file and guesses its keys and its role among the other files. */
export function guessFile(sample: FileSample): FileGuess {
  const columns = profileColumns(sample);
  const byRuns = sample.hasHeader ? undefined : guessByRuns(columns, sample.rows.length);
  const time = byRuns?.time ?? guessTime(columns);
  const asset = byRuns?.asset ?? guessAsset(columns, time);
  const hasKeys = asset !== undefined;
  const stem = sample.name.split("/").at(-1) ?? sample.name;
  let role: Role = "readings";
  if (hasKeys && time !== undefined && EVENT_FILE.test(stem) && columns.some((c) => c.type === "text"))
    role = "events";
  else if (hasKeys && time === undefined && isOncePerAsset(columns, asset)) role = "attributes";
  else if (hasKeys && ATTRIBUTE_FILE.test(stem) && isOncePerAsset(columns, asset)) role = "attributes";
  else if (columns.length <= 2 && LABEL_FILE.test(stem)) role = "labels";
  return {
    sample,
    columns,
    role,
    ...(asset === undefined || role === "labels" ? {} : { asset }),
    ...(time === undefined || role === "labels" || role === "attributes" ? {} : { time }),
  };
}

/** Without names: a column that counts up by one within runs of another column's equal values. */
function guessByRuns(
  columns: readonly ColumnProfile[],
  nRows: number,
): { asset: string; time: TimeGuess } | undefined {
  const cycle = columns.find((c) => c.type === "integer" && !c.isUnique && c.plusOneShare > 0.8);
  if (cycle === undefined) return undefined;
  const asset = columns.find(
    (c) =>
      c !== cycle &&
      (c.type === "integer" || c.type === "text") &&
      c.nDistinct > 1 &&
      c.nChanges === c.nDistinct - 1 &&
      c.nDistinct < nRows / 2,
  );
  return asset === undefined ? undefined : { asset: asset.name, time: { column: cycle.name, kind: "cycle" } };
}

/** The first time, else an epoch, else a counter that is named like a cycle. */
export function guessTime(columns: readonly ColumnProfile[]): TimeGuess | undefined {
  const stamp = columns.find((c) => c.type === "timestamp");
  if (stamp !== undefined) {
    const format = stamp.timeFormat === undefined ? {} : { format: stamp.timeFormat };
    return { column: stamp.name, kind: "timestamp", ...format };
  }
  const epoch = columns.find((c) => TIME_NAME.test(c.name) && epochUnitOf(c) !== undefined);
  const epochUnit = epoch === undefined ? undefined : epochUnitOf(epoch);
  if (epoch !== undefined && epochUnit !== undefined)
    return { column: epoch.name, kind: "timestamp", epochUnit };
  const cycle = columns.find((c) => c.type === "integer" && CYCLE_NAME.test(c.name) && c.plusOneShare > 0.5);
  return cycle === undefined ? undefined : { column: cycle.name, kind: "cycle" };
}

/** Numbers between 2001 and 2096 in one of the usual units. */
function epochUnitOf(c: ColumnProfile): "s" | "ms" | "us" | undefined {
  if (c.min === undefined || c.max === undefined) return undefined;
  for (const [unit, scale] of [
    ["s", 1],
    ["ms", 1e3],
    ["us", 1e6],
  ] as const) {
    if (c.min >= 1e9 * scale && c.max <= 4e9 * scale) return unit;
  }
  return undefined;
}

function guessAsset(columns: readonly ColumnProfile[], time: TimeGuess | undefined): string | undefined {
  const isKeyType = (c: ColumnProfile): boolean => c.type === "text" || c.type === "integer";
  const named = columns.find((c) => ASSET_NAME.test(c.name) && isKeyType(c) && c.name !== time?.column);
  // In a table without time an id of its own in each row is a row number, unless it says asset.
  if (named !== undefined && (time !== undefined || !/^id$/i.test(named.name))) return named.name;
  return undefined;
}

function isOncePerAsset(columns: readonly ColumnProfile[], asset: string | undefined): boolean {
  return columns.find((c) => c.name === asset)?.isUnique === true;
}

/** How the label was guessed. */
export type LabelGuess =
  | {
      readonly kind: "column";
      readonly column: string;
      readonly positive?: string;
      readonly isNamed: boolean;
    }
  | { readonly kind: "events"; readonly where?: { readonly column: string; readonly value: string } }
  | { readonly kind: "end_of_life" };

const LABEL_NAME = /fail|fault|label|target|broken|breakdown|defect|anomal|^class$|^y$/i;

export function guessLabel(readings: FileGuess, events: FileGuess | undefined): LabelGuess | undefined {
  const isSeries = readings.asset !== undefined && readings.time !== undefined;
  if (events !== undefined && isSeries) return eventLabel(events);
  const free = readings.columns.filter((c) => c.name !== readings.asset && c.name !== readings.time?.column);
  const isClass = (c: ColumnProfile): boolean =>
    c.type !== "float" && c.type !== "timestamp" && c.nDistinct >= 2 && c.nDistinct <= 20;
  const named = free.find((c) => LABEL_NAME.test(c.name) && isClass(c));
  if (named !== undefined) return columnLabel(named, true);
  if (isSeries) return { kind: "end_of_life" };
  // What happened stands in the events: any other column of few values describes the machine.
  if (events !== undefined) return undefined;
  const last = free.filter(isClass).at(-1);
  return last === undefined ? undefined : columnLabel(last, false);
}

function columnLabel(column: ColumnProfile, isNamed: boolean): LabelGuess {
  const rarer = column.values.at(-1)?.value;
  const positive = column.nDistinct === 2 ? rarer : undefined;
  return { kind: "column", column: column.name, isNamed, ...(positive === undefined ? {} : { positive }) };
}

function eventLabel(events: FileGuess): LabelGuess {
  for (const column of events.columns) {
    const value = column.values.find((v) => /fail|breakdown|fault/i.test(v.value))?.value;
    if (column.type === "text" && value !== undefined)
      return { kind: "events", where: { column: column.name, value } };
  }
  return { kind: "events" };
}

/**
 * Columns that give the label away: whenever they are at their rarer value the label is positive, nearly always.
 * Such a column is most often written down after the failure.
 */
export function guessLeaks(readings: FileGuess, label: LabelGuess): string[] {
  if (label.kind !== "column" || label.positive === undefined) return [];
  const { columns, rows } = readings.sample;
  const labelIndex = columns.indexOf(label.column);
  const base = rows.filter((r) => r[labelIndex]?.trim() === label.positive).length / rows.length;
  return readings.columns.flatMap((column, i) => {
    if (i === labelIndex || column.nDistinct !== 2) return [];
    const rare = column.values.at(-1)?.value;
    const hits = rows.filter((r) => r[i]?.trim() === rare);
    const share =
      hits.filter((r) => r[labelIndex]?.trim() === label.positive).length / Math.max(1, hits.length);
    return hits.length >= 5 && share > 0.9 && share > 3 * base ? [column.name] : [];
  });
}
