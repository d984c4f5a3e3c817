import type { ViewTime } from "../../features/feature-view.ts";
import { ISO_TIME, parseIsoMicros } from "../../schemas/text/iso-time.ts";
import { zoneTimeToUtc } from "./zone-time.ts";

const MICROS = { s: 1_000_000, ms: 1_000, us: 1 } as const;

/** The directives that are read here; a format with others is left to ingest, and clients send ISO 8601. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  Y: String.raw`(?<Y>\d{4})`,
  m: String.raw`(?<m>\d{1,2})`,
  d: String.raw`(?<d>\d{1,2})`,
  H: String.raw`(?<H>\d{1,2})`,
  M: String.raw`(?<M>\d{1,2})`,
  S: String.raw`(?<S>\d{1,2})`,
  f: String.raw`(?<f>\d{1,6})`,
  "%": "%",
};

/**
 * A time of a reading or an event as a client sends it, read as ingest reads it in the files: by the declared epoch
 * unit, format and time zone. ISO 8601 with an offset means one moment only and is always taken.
 *
 * @param time undefined: unknown, and a time without an offset cannot be told
 * @returns microseconds since 1970 UTC; undefined for what cannot be read
 */
export function clientMicros(value: unknown, time: ViewTime | undefined): number | undefined {
  if (time?.epochUnit !== undefined && typeof value === "number") {
    const micros = Math.round(value * MICROS[time.epochUnit]);
    return Number.isSafeInteger(micros) ? micros : undefined;
  }
  if (typeof value !== "string") return undefined;
  const toUtc = (local: number): number | undefined =>
    time === undefined ? undefined : zoneTimeToUtc(time.timezone, local);
  const isIso = time?.format === undefined && time?.epochUnit === undefined;
  const formatted = time?.format === undefined ? undefined : localMicros(value, time.format);
  if (formatted !== undefined) return toUtc(formatted);
  return parseIsoMicros(value, isIso ? toUtc : () => undefined);
}

/** What a refusal says was expected. */
export function expectedTime(time: ViewTime | undefined): string {
  if (time === undefined) return `${ISO_TIME}, with its offset`;
  if (time.epochUnit !== undefined)
    return `a number of ${time.epochUnit} since 1970, or ${ISO_TIME}, with its offset`;
  if (time.format !== undefined && formatPattern(time.format) !== undefined)
    return `a time in the format '${time.format}' that clocks of ${time.timezone} show, or ${ISO_TIME}, with its offset`;
  if (time.format !== undefined) return `${ISO_TIME}, with its offset`;
  return time.timezone === "UTC"
    ? ISO_TIME
    : `${ISO_TIME}, without an offset as clocks of ${time.timezone} show it`;
}

function localMicros(text: string, format: string): number | undefined {
  const groups = formatPattern(format)?.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const two = (name: string): string => (groups[name] ?? "0").padStart(2, "0");
  const day = `${groups["Y"]}-${two("m")}-${two("d")}`;
  return parseIsoMicros(`${day}T${two("H")}:${two("M")}:${two("S")}.${groups["f"] ?? "0"}`);
}

const patterns = new Map<string, RegExp | undefined>();

/** Undefined: a directive is unknown or twice there, or the day is not whole. */
function formatPattern(format: string): RegExp | undefined {
  if (!patterns.has(format)) patterns.set(format, computePattern(format));
  return patterns.get(format);
}

function computePattern(format: string): RegExp | undefined {
  const seen = new Set<string>();
  let isKnown = true;
  const pattern = format.replaceAll(/%(.?)|[^%]/gs, (character, directive: string | undefined) => {
    if (directive === undefined) return character.replace(/[\\^$.*+?()[\]{}|/-]/, String.raw`\$&`);
    const known = DIRECTIVES[directive];
    if (known === undefined || (directive !== "%" && seen.has(directive))) isKnown = false;
    seen.add(directive);
    return known ?? "";
  });
  if (!isKnown || !["Y", "m", "d"].every((part) => seen.has(part))) return undefined;
  return new RegExp(String.raw`^\s*${pattern}\s*$`);
}
