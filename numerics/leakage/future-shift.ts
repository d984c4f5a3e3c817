/**
 * Features that hold a value from the future: f[t] = s[t + k].
 *
 * A join on the wrong side, a centred window of length one, a lag with the wrong sign. For each feature f, each series s (a
 * sensor or the target) and each k in 1…5, rows t of the same asset are compared bit for bit.
 *
 * Equality alone proves nothing where the future is no secret. Only telling rows count:
 *
 *   sensor   rows where s[t + k] ≠ s[t]: a slow sensor equals its own future most of the time
 *   target   rows where the target is not at its most frequent value (healthy, or the cap of remaining life)
 *
 * and a sensor whose future follows from its past is not judged: one that steps by a constant (counters, age) or repeats with
 * a short period (calendar features) on nearly all rows.
 *
 * Cost: a pair is dropped after 64 spread probes or as soon as its misses exceed what the threshold allows, so that all
 * unrelated pairs together cost little; only true hits are read in full.
 */
import { requireInRange, requireInteger, requireSameLength } from "../stats/checked-array.ts";
import { indexGroups } from "../splits/groups.ts";
import type { GroupId } from "../splits/groups.ts";
import type { NamedColumn } from "./target-copy.ts";

/** A column whose future must not be seen. */
export interface WatchedSeries extends NamedColumn {
  readonly role: "sensor" | "target";
}

export interface FutureShiftOptions {
  /** largest shift tried, 1…100; default 5 */
  readonly maxShift?: number;
  /** share of telling rows that must agree, in (0.5, 1]; default 0.99 */
  readonly minAgreement?: number;
  /** telling rows needed for a verdict, ≥ 1; default 30 */
  readonly minTellingRows?: number;
}

/** A feature that equals the future of a series. */
export interface FutureShift {
  readonly feature: string;
  readonly series: string;
  readonly shift: number;
  /** share of telling rows on which both are equal */
  readonly agreement: number;
  readonly tellingRows: number;
}

/** Periods up to this many rows make a sensor's future no secret. */
const MAX_PERIOD = 50;

/** Pairs are first probed on this many spread rows. */
const N_PROBES = 64;

/**
 * Find features that hold a later value of a series.
 *
 * @param features columns to judge; NaN never agrees
 * @param series   sensors and target; a feature that is the series itself (same name) is judged like any other
 * @param rows     `groups`: asset per row. Rows of an asset must be adjacent and in time order
 * @returns hits, in the order of features, series and shift; any hit is a leak
 * @throws {RangeError} when lengths differ, an asset's rows are not adjacent, or an option is out of range
 */
export function findFutureShifts(
  features: readonly NamedColumn[],
  series: readonly WatchedSeries[],
  rows: { readonly groups: ArrayLike<GroupId>; readonly options?: FutureShiftOptions },
): FutureShift[] {
  const { maxShift = 5, minAgreement = 0.99, minTellingRows = 30 } = rows.options ?? {};
  requireInteger("maxShift", maxShift, [1, 100]);
  requireInRange("minAgreement", minAgreement, [0.5, 1]);
  requireInteger("minTellingRows", minTellingRows, [1, 2 ** 31 - 1]);
  const codes = requireAdjacent(rows.groups);
  for (const column of [...features, ...series])
    requireSameLength([column.name, "groups"], column.values, codes);
  const hits: FutureShift[] = [];
  for (const watched of series) {
    for (let shift = 1; shift <= maxShift; shift++) {
      const telling = tellingRows(watched, codes, { shift, minAgreement });
      if (telling.length < minTellingRows) continue;
      for (const feature of features) {
        const agreement = agreementOf(feature.values, watched.values, { telling, shift, minAgreement });
        if (agreement === undefined) continue;
        hits.push({
          feature: feature.name,
          series: watched.name,
          shift,
          agreement,
          tellingRows: telling.length,
        });
      }
    }
  }
  const place = new Map(features.map((feature, i) => [feature.name, i]));
  return hits.sort((a, b) => (place.get(a.feature) ?? 0) - (place.get(b.feature) ?? 0));
}

interface Shift {
  readonly shift: number;
  readonly minAgreement: number;
}

/** Rows t, with t + shift in the same asset, on which equality with the future means something; none when it cannot. */
function tellingRows(watched: WatchedSeries, codes: Int32Array, { shift, minAgreement }: Shift): Int32Array {
  const { values, role } = watched;
  const usual = role === "target" ? mostFrequent(values) : Number.NaN;
  const rows: number[] = [];
  for (let t = 0; t + shift < codes.length; t++) {
    if (codes[t] !== codes[t + shift]) continue;
    const future = values[t + shift];
    if (Number.isNaN(future)) continue;
    if (role === "target" ? future !== usual : future !== values[t]) rows.push(t);
  }
  const telling = Int32Array.from(rows);
  const isKnown = role === "sensor" && isPredictable(values, codes, { telling, shift, minAgreement });
  return isKnown ? new Int32Array(0) : telling;
}

type Telling = Shift & { readonly telling: Int32Array };

/** True when the change over `shift` is one constant, or the value `shift` ahead was also seen at a fixed lag before. */
function isPredictable(values: ArrayLike<number>, codes: Int32Array, rows: Telling): boolean {
  const { telling, shift, minAgreement } = rows;
  if (telling.length === 0) return false;
  // Cheap first: a property that fails on the probes is not looked for on all rows.
  const probes = probe(telling);
  const change = (t: number): number => values[t + shift] - values[t];
  const step = mostFrequent(Float64Array.from(probes, change));
  const isSteady = (rowsAt: Int32Array): boolean =>
    shareOf(rowsAt, (t) => near(change(t), step)) >= minAgreement;
  if (isSteady(probes) && isSteady(telling)) return true;
  for (let lag = 1; lag <= MAX_PERIOD; lag++) {
    const hasPast = (t: number): boolean => t >= lag && codes[t - lag] === codes[t];
    const repeats = (rowsAt: Int32Array): boolean =>
      rowsAt.length > 0 && shareOf(rowsAt, (t) => values[t - lag] === values[t + shift]) >= minAgreement;
    if (repeats(probes.filter(hasPast)) && repeats(telling.filter(hasPast))) return true;
  }
  return false;
}

function agreementOf(
  feature: ArrayLike<number>,
  values: ArrayLike<number>,
  { telling, shift, minAgreement }: Telling,
): number | undefined {
  if (shareOf(probe(telling), (t) => feature[t] === values[t + shift]) < minAgreement - 0.1) return undefined;
  const allowed = telling.length - Math.ceil(minAgreement * telling.length - 1e-9);
  let misses = 0;
  for (const t of telling) {
    if (feature[t] !== values[t + shift] && ++misses > allowed) return undefined;
  }
  return 1 - misses / telling.length;
}

function probe(rows: Int32Array): Int32Array {
  if (rows.length <= N_PROBES) return rows;
  return Int32Array.from(
    { length: N_PROBES },
    (_, i) => rows[Math.floor(((i + 0.5) * rows.length) / N_PROBES)],
  );
}

function shareOf(rows: Int32Array, holds: (t: number) => boolean): number {
  let n = 0;
  for (const t of rows) if (holds(t)) n++;
  return n / rows.length;
}

function mostFrequent(values: ArrayLike<number>): number {
  const counts = new Map<number, number>();
  let best = Number.NaN;
  let bestCount = 0;
  for (let i = 0; i < values.length; i++) {
    const count = (counts.get(values[i]) ?? 0) + 1;
    counts.set(values[i], count);
    if (count > bestCount) {
      best = values[i];
      bestCount = count;
    }
  }
  return best;
}

/** Equal up to the rounding of a difference of two values of ordinary size. */
function near(left: number, right: number): boolean {
  return Math.abs(left - right) <= 1e-9 * Math.max(1, Math.abs(right));
}

function requireAdjacent(groups: ArrayLike<GroupId>): Int32Array {
  const { codes, ids } = indexGroups(groups);
  // Codes are numbered by first row, so adjacent groups never step back.
  for (let row = 1; row < codes.length; row++) {
    if (codes[row] < codes[row - 1]) {
      throw new RangeError(`rows of group ${String(ids[codes[row]])} must be adjacent, row ${row} is apart`);
    }
  }
  return codes;
}
