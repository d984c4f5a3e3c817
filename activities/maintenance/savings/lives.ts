import { alarmTimes } from "../../../numerics/maintenance/alarm-times.ts";
import type { AlarmRepeat } from "../../../numerics/maintenance/alarm-times.ts";
import type { Life } from "../../../numerics/maintenance/savings.ts";
import type { FeatureTable } from "../../features/feature-table.ts";

/** The remaining life of each row, from which the lives follow. */
export type LifeTable = Pick<FeatureTable, "t" | "yRaw" | "yLeast" | "assetCodes" | "assets">;

export interface HeldAnswers {
  /** Held-out rows in stored order. */
  readonly rows: Int32Array;
  /** Whether the answer for each calls for maintenance; as many as `rows`. */
  readonly holds: readonly boolean[];
}

/** Ends of lives that differ by less are one: they are sums of rounded numbers. */
const SAME_END = 1e-6;

/**
 * Lives of the held-out rows: rows of an asset with the same end. Rows of which nothing of the end is known, such as those during
 * a repair, are left out.
 *
 * @param table    of all rows, so that a life's begin is known where its first rows are not held out
 * @param perUnit  units of `t` in one of the remaining life
 */
export function livesOf(
  table: LifeTable,
  { rows, holds }: HeldAnswers,
  { perUnit, repeat }: { readonly perUnit: number; readonly repeat: AlarmRepeat },
): Life[] {
  const keyOf = (row: number) => {
    const end = endOf(table, row, perUnit);
    return end === undefined
      ? undefined
      : `${table.assetCodes[row]} ${end.hasFailed} ${Math.round(end.at / SAME_END)}`;
  };
  const begins = new Map<string, number>();
  for (let row = 0; row < table.t.length; row++) {
    const key = keyOf(row);
    if (key !== undefined && !begins.has(key)) begins.set(key, (table.t[row] as number) / perUnit);
  }
  const lives = new Map<string, { readonly row: number; readonly t: number[]; readonly holds: boolean[] }>();
  rows.forEach((row, i) => {
    const key = keyOf(row);
    if (key === undefined) return;
    const life = lives.get(key) ?? { row, t: [], holds: [] };
    life.t.push((table.t[row] as number) / perUnit);
    life.holds.push(holds[i] === true);
    lives.set(key, life);
  });
  return [...lives].map(([key, { row, t, holds: held }]) => {
    const end = endOf(table, row, perUnit) ?? { at: Number.NaN, hasFailed: false };
    const entry = t[0] ?? Number.NaN;
    return {
      asset: table.assets[table.assetCodes[row] as number] ?? "",
      begin: begins.get(key) ?? entry,
      entry,
      end: end.at,
      hasFailed: end.hasFailed,
      alarms: alarmTimes(t, held, repeat),
    };
  });
}

/** Of the life a row is of, in the unit of the remaining life. */
function endOf(
  { t, yRaw, yLeast }: LifeTable,
  row: number,
  perUnit: number,
): { readonly at: number; readonly hasFailed: boolean } | undefined {
  const now = (t[row] as number) / perUnit;
  const remaining = yRaw[row] as number;
  if (!Number.isNaN(remaining)) return { at: now + remaining, hasFailed: true };
  const least = yLeast[row] as number;
  return Number.isNaN(least) ? undefined : { at: now + least, hasFailed: false };
}
