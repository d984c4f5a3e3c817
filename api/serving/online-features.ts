import { isShortSpan } from "../../features/needed-history.ts";
import type { History } from "../../features/needed-history.ts";
import { createAssetState } from "../../features/online.ts";
import type { AssetContext, LiveValue } from "../../features/online.ts";
import type { FeatureView, ViewTime } from "../../features/feature-view.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { PredictAsset } from "../../schemas/serving/prediction.ts";
import type { AssetFeatures } from "./asset-features.ts";
import { absentWarnings, attributeFault, unseenWarnings } from "./attribute-checks.ts";
import { clientMicros, expectedTime } from "./client-time.ts";
import { leftOutWarnings, readingFault } from "../../features/reading-checks.ts";
import type { ReadingFault } from "../../features/reading-checks.ts";
import { inputsOf, otherSourcesOf } from "../../features/view-inputs.ts";
import type { ViewInputs } from "../../features/view-inputs.ts";

type Fields = Readonly<Record<string, LiveValue>>;

/** Asset features by the online executor of the feature room: the operators that training used. */
export function createAssetFeatures(): AssetFeatures {
  return {
    lastRow({ view, fitted, encoder }, request) {
      const inputs = inputsOf(view);
      checkColumns(inputs, request.readings);
      const { attributes = {} } = request;
      const wrong = attributeFault(view, attributes);
      if (wrong !== undefined) throw refuse(wrong.field, wrong.expected, wrong.found);
      const needed = new Set(inputs.columns.map(({ name }) => name));
      const faults: ReadingFault[] = [];
      const context = contextOf(view, request);
      const state = createAssetState(view, fitted);
      let row = new Float64Array(encoder.nFeatures);
      let first = NaN;
      let last = NaN;
      let nUsed = 0;
      let scored = { fields: {} as Fields, index: 0 };
      request.readings.forEach((fields, i) => {
        checkNumbers(inputs, fields, i);
        const t = timeOf(view, { fields, field: `readings.${i}.t`, fallback: i });
        const fault = readingFault(view.checks ?? [], { fields, index: i, needed });
        if (fault !== undefined) {
          faults.push(fault);
          return;
        }
        const reading = { t, values: fields };
        if (reading.t < last)
          throw refuse(`readings.${i}.t`, "a time not before the reading above", "an earlier one");
        nUsed++;
        if (nUsed === 1) first = reading.t;
        last = reading.t;
        scored = { fields, index: i };
        row = Float64Array.from(state.push(reading, context));
      });
      const [fault] = faults;
      if (nUsed === 0 && fault !== undefined) throw refuse(fault.field, fault.expected, fault.found);
      const warnings = [
        ...leftOutWarnings(faults),
        ...historyWarnings(view, { readings: nUsed, first, last }),
        ...absentWarnings(view, attributes),
        ...unseenWarnings(view, row, { attributes, ...scored }),
      ];
      if (view.timeKind === "none") return { row, warnings };
      if (view.timeKind === "cycle") return { row, warnings, at: last, t: last };
      return {
        row,
        warnings,
        at: isoOf(last),
        t: last,
        readingAgeSeconds: Math.max(0, Date.now() / 1_000 - last / 1_000_000),
      };
    },
  };
}

/**
 * A column no reading has is a typing mistake, not a run of missing values; nor is a reading without any column.
 * Columns that no feature is computed from may be there or not.
 */
function checkColumns({ columns }: ViewInputs, readings: readonly Fields[]): void {
  for (const { name } of columns) {
    if (!readings.some((fields) => Object.hasOwn(fields, name))) {
      throw refuse(`readings.0.${name}`, "the column in some reading", "nothing");
    }
  }
  const bare = readings.findIndex((fields) => !columns.some(({ name }) => Object.hasOwn(fields, name)));
  if (bare < 0 || columns.length === 0) return;
  const names = columns.slice(0, 5).map(({ name }) => name);
  throw refuse(`readings.${bare}`, `some of the columns ${names.join(", ")}`, "none");
}

/**
 * Short histories are answered: windows are those of a series that starts with the first reading. Only readings from
 * the asset's first cycle on are known to be its whole life; of times a request does not say where a life began.
 */
function historyWarnings(view: FeatureView, given: History): string[] {
  const { needed } = inputsOf(view);
  if (view.timeKind === "none" || (view.timeKind === "cycle" && given.first <= 1)) return [];
  const warnings: string[] = [];
  if (given.readings < needed.readings)
    warnings.push(`readings: features look back over ${needed.readings} readings, got ${given.readings}`);
  const spanHours = (given.last - given.first) / HOUR_MICROS;
  if (isShortSpan(given, needed))
    warnings.push(
      `readings: features look back over ${needed.micros / HOUR_MICROS} h, got ${Number(spanHours.toPrecision(4))} h`,
    );
  if (needed.isLifelong)
    warnings.push(
      view.timeKind === "cycle"
        ? `readings: features look back to the asset's first cycle, the first reading is of cycle ${given.first}`
        : `readings: features look back to the asset's first reading; they are right only if that is the one of ${isoOf(given.first)}`,
    );
  return warnings;
}

const HOUR_MICROS = 3_600_000_000;

function isoOf(micros: number): string {
  return new Date(micros / 1_000).toISOString();
}

function checkNumbers({ columns }: ViewInputs, fields: Fields, index: number): void {
  for (const { name, type } of columns) {
    const value = Object.hasOwn(fields, name) ? fields[name] : null;
    const isNumeric = type !== "text" && type !== "timestamp";
    if (isNumeric && typeof value === "string")
      throw refuse(`readings.${index}.${name}`, "a finite number or null", "a text");
  }
}

interface TimedFields {
  readonly fields: Fields;
  /** Path of the time, for refusals. */
  readonly field: string;
  /** The time where there is none. */
  readonly fallback: number;
  /** Source whose times these are; the readings unless said. */
  readonly source?: string;
}

function timeOf(view: FeatureView, { fields, field, fallback, source }: TimedFields): number {
  const t = Object.hasOwn(fields, "t") ? fields["t"] : undefined;
  if (view.timeKind === "none") return fallback;
  if (view.timeKind === "cycle") {
    if (typeof t === "number" && Number.isSafeInteger(t)) return t;
    throw refuse(field, "the cycle as a whole number", kindOf(t));
  }
  const time = declaredTime(view, source ?? view.source);
  const micros = clientMicros(t, time);
  if (micros !== undefined) return micros;
  throw refuse(field, expectedTime(time), typeof t === "string" ? "another text" : kindOf(t));
}

/** The source may be a client's word, and have the name of something every object inherits. */
function declaredTime({ times }: FeatureView, source: string): ViewTime | undefined {
  return times !== undefined && Object.hasOwn(times, source) ? times[source] : undefined;
}

/** Attributes count for every attributes source of the view; events for the one they name, or for all. */
function contextOf(view: FeatureView, { attributes, events }: PredictAsset): AssetContext {
  const sources = otherSourcesOf(view);
  const live = (events ?? []).map((fields, i) => {
    const { t: _t, source, ...columns } = fields;
    const values = withoutPrototype(columns);
    const timed = sources.filter((name) => declaredTime(view, name) !== undefined);
    // Without a source an event is one of all; they are taken to write their times alike.
    const of = typeof source === "string" ? source : (timed[0] ?? view.source);
    const t = timeOf(view, { fields, field: `events.${i}.t`, fallback: i, source: of });
    return { source, event: { t, values } };
  });
  return {
    attributes: Object.fromEntries(sources.map((source) => [source, withoutPrototype(attributes ?? {})])),
    events: Object.fromEntries(
      sources.map((source) => [
        source,
        live.filter((e) => e.source === undefined || e.source === source).map(({ event }) => event),
      ]),
    ),
  };
}

/** A column may have the name of something every object inherits. */
function withoutPrototype(fields: Fields): Fields {
  return Object.assign(Object.create(null) as Record<string, LiveValue>, fields);
}

function kindOf(value: LiveValue | undefined): string {
  return value === undefined
    ? "nothing"
    : value === null
      ? "null"
      : typeof value === "string"
        ? "a text"
        : String(value);
}

function refuse(field: string, expected: string, found: string): PlatformError {
  return new PlatformError(
    "invalid_signature_input",
    `predict [${field}]: expected ${expected}, got ${found}`,
    {
      locations: [{ field, expected, found }],
    },
  );
}
