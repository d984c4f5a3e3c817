import type { FeatureView } from "./feature-view.ts";

/** The history that the features of a view look back on. */
export interface NeededHistory {
  /** Of the longest window, lag, difference or weighted mean that is counted in readings; 0 without one. */
  readonly readings: number;
  /** Of windows that are counted in time; 0 without one. */
  readonly micros: number;
  /** Whether some feature looks back to the asset's first reading. */
  readonly isLifelong: boolean;
}

/** What operators call their look-back; each operator owns the form of its arguments. */
interface LookBack {
  readonly window?: { readonly rows?: number; readonly us?: number };
  readonly steps?: number;
  /** Readings of a baseline; `life` is as long as there is. */
  readonly over?: number | "life";
  /** Readings, of a weighted mean. */
  readonly halfLife?: number;
}

/** Readings of so many half-lives have seven eighths of a weighted mean's weight; it never ends, but older ones hardly count. */
const HALF_LIVES = 3;

export function neededHistory({
  features,
  timeKind,
}: Pick<FeatureView, "features" | "timeKind">): NeededHistory {
  let readings = 0;
  let micros = 0;
  let isLifelong = false;
  for (const { args, operator } of features) {
    const { window, steps, over, halfLife = 0 } = args as LookBack;
    const first = typeof over === "number" ? over : 0;
    const weighted = Math.ceil(HALF_LIVES * halfLife);
    readings = Math.max(readings, window?.rows ?? 0, steps === undefined ? 0 : steps + 1, first, weighted);
    micros = Math.max(micros, window?.us ?? 0);
    // A cycle is an age by itself.
    const isAge = operator === "age" && timeKind === "timestamp";
    isLifelong ||= isAge || operator === "expanding" || operator === "baseline";
  }
  return { readings, micros, isLifelong };
}

/** Readings of one asset, and the times of the first and last of them. */
export interface History {
  readonly readings: number;
  readonly first: number;
  readonly last: number;
  /** Where the asset is known to have been before: its first reading of all, or its first cycle. */
  readonly start?: number;
}

/**
 * Whether a history is shorter than what the features look back on: they are then of less than they were learnt from.
 */
export function isShort(history: History, needed: NeededHistory): boolean {
  const { readings, first, start } = history;
  const isCut = needed.isLifelong && start !== undefined && first > start;
  return isCut || readings < needed.readings || isShortSpan(history, needed);
}

/** A time window (t − w, t] is full when the readings reach back over it, up to one mean interval between them. */
export function isShortSpan({ readings, first, last }: History, { micros }: NeededHistory): boolean {
  const interval = readings > 1 ? (last - first) / (readings - 1) : 0;
  return micros > 0 && last - first + interval < micros;
}
