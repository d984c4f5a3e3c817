import { createAssetState } from "../../features/online.ts";
import type { AssetContext, LiveReading, LiveValue } from "../../features/online.ts";
import type { LiveEvent } from "../../features/event-filter.ts";
import type { FeatureView } from "../../features/feature-view.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { PredictAsset } from "../../schemas/prediction.ts";
import type { AssetFeatures } from "./asset-features.ts";

type Fields = Readonly<Record<string, LiveValue>>;

/** Asset features by the online executor of the feature room: the operators that training used. */
export function createAssetFeatures(): AssetFeatures {
  return {
    lastRow({ view, fitted, encoder }, request) {
      checkColumns(view, request.readings);
      const context = contextOf(view, request);
      const state = createAssetState(view, fitted);
      let row = new Float64Array(encoder.nFeatures);
      let last = NaN;
      request.readings.forEach((fields, i) => {
        const reading = readingOf(view, fields, i);
        if (reading.t < last)
          throw refuse(`readings.${i}.t`, "a time not before the reading above", "an earlier one");
        last = reading.t;
        row = Float64Array.from(state.push(reading, context));
      });
      if (view.timeKind !== "timestamp") return { row };
      return { row, readingAgeSeconds: Math.max(0, Date.now() / 1_000 - last / 1_000_000) };
    },
  };
}

/** A column no reading has is a typing mistake, not a run of missing values. */
function checkColumns(view: FeatureView, readings: readonly Fields[]): void {
  for (const { name } of view.columns) {
    if (!readings.some((fields) => Object.hasOwn(fields, name))) {
      throw refuse(`readings.0.${name}`, "the column in some reading", "nothing");
    }
  }
}

function readingOf(view: FeatureView, fields: Fields, index: number): LiveReading {
  for (const { name, type } of view.columns) {
    const value = Object.hasOwn(fields, name) ? fields[name] : null;
    const isNumeric = type !== "text" && type !== "timestamp";
    if (isNumeric && typeof value === "string")
      throw refuse(`readings.${index}.${name}`, "a finite number or null", "a text");
  }
  return { t: timeOf(view, fields, `readings.${index}.t`, index), values: fields };
}

function timeOf(view: FeatureView, fields: Fields, field: string, fallback: number): number {
  const t = Object.hasOwn(fields, "t") ? fields["t"] : undefined;
  if (view.timeKind === "none") return fallback;
  if (view.timeKind === "cycle") {
    if (typeof t === "number" && Number.isSafeInteger(t)) return t;
    throw refuse(field, "the cycle as a whole number", kindOf(t));
  }
  const ms = typeof t === "string" ? Date.parse(hasZone(t) ? t : `${t}Z`) : NaN;
  if (Number.isFinite(ms)) return ms * 1_000;
  throw refuse(field, "an ISO 8601 time", kindOf(t));
}

const hasZone = (text: string): boolean => /(?:Z|[+-]\d\d:?\d\d)$/i.test(text);

/** Attributes count for every attributes source of the view; events for the one they name, or for all. */
function contextOf(view: FeatureView, { attributes, events }: PredictAsset): AssetContext {
  const sources = sourcesOf(view);
  const live = (events ?? []).map((fields, i) => {
    const { t: _t, source, ...values } = fields;
    return { source, event: { t: timeOf(view, fields, `events.${i}.t`, i), values } as LiveEvent };
  });
  return {
    attributes: Object.fromEntries(sources.map((source) => [source, attributes ?? {}])),
    events: Object.fromEntries(
      sources.map((source) => [
        source,
        live.filter((e) => e.source === undefined || e.source === source).map(({ event }) => event),
      ]),
    ),
  };
}

/** Sources that operators of the view name in their arguments. */
function sourcesOf(view: FeatureView): string[] {
  const sources = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [member, inner] of Object.entries(value)) {
      if (member === "source" && typeof inner === "string") sources.add(inner);
      else collect(inner);
    }
  };
  for (const { args } of view.features) collect(args);
  return [...sources];
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
