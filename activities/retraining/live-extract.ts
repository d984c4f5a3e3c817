import type { RawFile } from "../../schemas/data/dataset.ts";
import type { LiveSource } from "../../schemas/live/source.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { Column, Source } from "../../schemas/pipeline/source.ts";
import { durationMs } from "../../schemas/pipeline/time.ts";
import { formatIsoMicros } from "../../schemas/text/iso-time.ts";
import type { StoredReading } from "../../stores/postgres/port/live.ts";
import type { ReportedFailure } from "../../stores/postgres/port/labels.ts";

/** A cell of CSV; empty: missing. */
type Cell = string | number;

/** How readings of a live source become rows of the pipeline's readings. */
export interface LiveRows {
  readonly header: readonly string[];
  read(reading: Pick<StoredReading, "asset" | "ts" | "values">): readonly Cell[];
}

/** Why stored readings are not taken, for the record. */
export interface NotTaken {
  readonly why: string;
}

/**
 * Whether stored readings can be learnt from, and how they are written. The truth about them must be known: it stands in the
 * readings (a label column, the next values of a forecast), nobody needs it (anomalies), or it is reported (failures as
 * labels). A life that goes on has no end, so what counts back from the end of a series is not learnt from live.
 */
export function liveRowsOf(pipeline: Pipeline, source: Source, document: LiveSource): LiveRows | NotTaken {
  const { asset, time, columns, files = [], pii = [] } = source;
  if (asset === undefined || time === undefined) return { why: "the readings have no asset or no time" };
  if (files.some(({ assetPrefix = "" }) => assetPrefix !== ""))
    return { why: "assets of the files have a prefix, so those of the live source are others" };
  if (time.kind !== "timestamp" || document.time.kind !== "timestamp")
    return { why: "cycles of a new life would fall on those of the one before" };
  if (pipeline.label.kind === "end_of_life")
    return { why: "where a life ends is not known of readings that still come" };
  const declared = columns.filter(({ name }) => name !== asset && name !== time.column);
  const readers = declared.map((column) => readerOf(column, document, pii));
  const missing = declared.filter((column, i) => readers[i] === undefined && isNeeded(column, pipeline));
  if (missing.length > 0)
    return { why: `source ${document.name} has no fitting ${missing.map(({ name }) => name).join(", ")}` };
  return {
    header: [asset, time.column, ...declared.map(({ name }) => name)],
    read: ({ asset: id, ts, values }) => [
      id,
      formatIsoMicros(ts),
      ...readers.map((read) => read?.(values) ?? ""),
    ],
  };
}

type Reader = (values: readonly (number | null)[]) => Cell;

/** Undefined where the live source has no such column, or a personal one. */
function readerOf(column: Column, document: LiveSource, pii: readonly string[]): Reader | undefined {
  const place = document.columns.findIndex(({ name }) => name === column.name);
  const found = document.columns[place];
  if (found === undefined || pii.includes(column.name) || document.pii.includes(column.name))
    return undefined;
  const isNumber = (type: Column["type"]): boolean => type === "float" || type === "integer";
  if (column.type !== found.type && !(isNumber(column.type) && isNumber(found.type))) return undefined;
  if (column.unit !== undefined && column.unit !== found.unit) return undefined;
  const write = writerOf(found);
  return (values) => {
    const value = values[place] ?? null;
    return value === null || Number.isNaN(value) ? "" : write(value);
  };
}

function writerOf({ type, values: words }: Column): (value: number) => Cell {
  if (type === "text") return (value) => words?.[value] ?? "";
  if (type === "boolean") return (value) => String(value === 1);
  if (type === "timestamp") return formatIsoMicros;
  return (value) => value;
}

function isNeeded({ name, nullable }: Column, { label }: Pipeline): boolean {
  return !nullable || (label.kind === "column" && label.column === name);
}

/**
 * Until when stored readings are learnt from, in microseconds; undefined: all of them.
 *
 * Where failures are reported, a reading says "nothing failed" once every failure of its time has been reported: before, that is
 * not known, and what was learnt as healthy would stay so for ever. So readings and failures are cut at the delay before the
 * moment of training, as `aura replay-life` cuts them. Where the truth stands in the readings, or nobody needs it, nothing is late.
 *
 * @param asOf  the moment of training, ISO 8601
 */
export function knownUntil(
  { label, performance }: Pick<Pipeline, "label" | "performance">,
  asOf: string,
): number | undefined {
  if (label.kind !== "events") return undefined;
  return (Date.parse(asOf) - durationMs(performance.delay)) * 1_000;
}

/** How reported failures become rows of the events that the label is made of. */
export interface FailureRows {
  /** The events source. */
  readonly source: string;
  readonly header: readonly string[];
  read(failure: ReportedFailure): readonly Cell[];
}

/** @returns undefined where the label is made of no events, or of ones that a reported failure does not make */
export function failureRowsOf({
  label,
  sources,
}: Pick<Pipeline, "label" | "sources">): FailureRows | undefined {
  if (label.kind !== "events") return undefined;
  const events = sources[label.source];
  if (events?.asset === undefined || events.time === undefined) return undefined;
  const { asset, time, columns } = events;
  const where = new Map(Object.entries(label.where ?? {}).map(([name, value]) => [name, [value].flat()[0]]));
  const others = columns.filter(({ name }) => name !== asset && name !== time.column);
  // An event that must say more than that the asset failed cannot be made of a label.
  if (others.some(({ name, nullable }) => !nullable && !where.has(name))) return undefined;
  const says = others.map(({ name }) => cellOf(where.get(name)));
  return {
    source: label.source,
    header: [asset, time.column, ...others.map(({ name }) => name)],
    read: (one) => [one.asset, formatIsoMicros(one.t), ...says],
  };
}

const cellOf = (value: string | number | boolean | undefined): Cell =>
  value === undefined ? "" : typeof value === "boolean" ? String(value) : value;

/** What an extraction came to. */
export interface LiveExtract {
  readonly files: readonly RawFile[];
  readonly readings: number;
  readonly failures: number;
  /** Until when, ISO 8601: of later times failures may not be reported yet. Absent: without a bound. */
  readonly until?: string;
  /** Why nothing was taken; absent where it was, or there is nothing to take. */
  readonly notTaken?: string;
}
