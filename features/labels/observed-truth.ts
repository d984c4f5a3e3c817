import { keepsCensored, timeUnitsPer } from "./label-plan.ts";
import type { LabelPlan } from "./label-plan.ts";

/**
 * The truth of a prediction from what was observed of its asset: the second reader of a label plan.
 *
 * The first one is SQL over stored readings and events, and makes what models learn from. This one takes what people and systems
 * say later, and must come to the same on the same facts, or a model would be judged by another question than it learnt; a
 * property test holds the two equal.
 */

/** What is known of one asset, in units of `t`. */
export interface LifeHistory {
  /** Ascending. */
  readonly failures: readonly number[];
  /** Ascending. */
  readonly replacements: readonly number[];
  /** The latest time that it was seen at, whatever had happened before; -Infinity: it never was. */
  readonly lastSeen: number;
}

/** NaN where nobody knows. */
export interface ObservedTruth {
  /** As learnt: a capped remaining life, or 0 or 1. */
  readonly y: number;
  /** A remaining life without its cap. */
  readonly raw: number;
  /** Of a remaining life that is not known: what it exceeds. */
  readonly least: number;
}

export type LifeLabel = Extract<LabelPlan, { kind: "events" | "end_of_life" }>;
export type ColumnLabel = Extract<LabelPlan, { kind: "column" }>;

const UNKNOWN: ObservedTruth = { y: Number.NaN, raw: Number.NaN, least: Number.NaN };

/**
 * What a label that is a time to failure says of an asset at `t`.
 *
 * @param t in the units of the history: microseconds or cycles
 */
export function lifeTruth(
  label: LifeLabel,
  { history, t }: { readonly history: LifeHistory; readonly t: number },
  timeKind: "timestamp" | "cycle" | "none",
): ObservedTruth {
  const { failures, replacements, lastSeen } = history;
  if (label.kind === "events" && label.ignoreAfter !== undefined) {
    const repaired = failures[firstIndex(failures, (time) => time > t) - 1];
    if (repaired !== undefined && t - repaired <= label.ignoreAfter) return UNKNOWN;
  }
  // At the very end of a series the asset fails; of an event that is the next one's business.
  const failure =
    failures[firstIndex(failures, (time) => (label.kind === "end_of_life" ? time >= t : time > t))];
  const hasReplacements = label.kind === "end_of_life" || label.replacements !== undefined;
  const replacement = hasReplacements
    ? replacements[firstIndex(replacements, (time) => time > t)]
    : undefined;
  // What fails and is replaced at one time has failed; a later failure is that of another life.
  const isOwn = failure !== undefined && (replacement === undefined || failure <= replacement);
  const seen = Math.min(lastSeen, replacement ?? Infinity) - t;
  return label.target.task === "rul"
    ? remainingLife(label, { remaining: isOwn ? failure - t : undefined, seen }, timeUnitsPer(timeKind))
    : withinHorizon(label.target.horizon, isOwn ? failure - t : undefined, seen);
}

function withinHorizon(horizon: number, remaining: number | undefined, seen: number): ObservedTruth {
  const y = remaining === undefined ? (seen >= horizon ? 0 : Number.NaN) : remaining <= horizon ? 1 : 0;
  return { y, raw: y, least: Number.NaN };
}

function remainingLife(
  label: LifeLabel,
  { remaining, seen }: { readonly remaining: number | undefined; readonly seen: number },
  unit: number,
): ObservedTruth {
  const cap = label.target.task === "rul" ? label.target.cap : undefined;
  if (remaining !== undefined) {
    const raw = remaining / unit;
    return { y: cap === undefined ? raw : Math.min(raw, cap), raw, least: Number.NaN };
  }
  // Series that all failed have no running assets to learn from; predictions are about assets that run.
  const isKept = label.kind === "end_of_life" || keepsCensored(label);
  if (!isKept || !(seen > 0)) return UNKNOWN;
  const bound = seen / unit;
  return cap !== undefined && bound >= cap
    ? { y: cap, raw: Number.NaN, least: Number.NaN }
    : { y: Number.NaN, raw: Number.NaN, least: bound };
}

/**
 * What was said of the label column: a class code, or a number.
 *
 * @param classLabels class texts in code order
 * @returns NaN for a class that is not among them
 */
export function saidTruth(
  label: ColumnLabel,
  value: string | number,
  classLabels: readonly string[],
): number {
  if (label.target === "number") return typeof value === "number" ? value : Number.NaN;
  if (label.positive !== undefined) return String(value) === String(label.positive) ? 1 : 0;
  const code = classLabels.indexOf(String(value));
  return code < 0 ? Number.NaN : code;
}

/** Place of the first of ascending values that passes; their number where none does. */
function firstIndex(values: readonly number[], passes: (value: number) => boolean): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (passes(values[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}
