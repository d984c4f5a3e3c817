import { isShort } from "../../features/needed-history.ts";
import type { History, NeededHistory } from "../../features/needed-history.ts";
import { intervalOf } from "../../numerics/conformal/interval-rule.ts";
import type { Signature } from "../../schemas/models/model-version.ts";
import type { LeftOutAsset, RankedAsset } from "../../schemas/serving/score.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { fleetForecasts } from "./fleet-forecasts.ts";

/** 1971-01-01 in microseconds: no cycle counter gets there. */
const MIN_TIMESTAMP_MICROS = 31_536_000_000_000;

export interface Ranking {
  readonly ranked: readonly RankedAsset[];
  /** Assets that have no feature at their last reading: an answer would say nothing of them. */
  readonly blank: readonly LeftOutAsset[];
}

/**
 * Least remaining life first, or highest risk first; ties by asset id, so that a repeat ranks alike.
 *
 * Of several classes the risk is the probability of any but the one that most training rows have. A model that does not
 * say which that is has its classes ranked by their index, the last first. Of a forecast with a limit the risk is the
 * probability that it is crossed; without one the assets stand by name.
 *
 * @param given.rows    rows of the table that were scored, the last of each asset
 * @param given.values  headline output of each
 * @param given.risks   of several classes, see `classRisks`; else null
 * @param given.outputs of forecasts: all outputs of each row
 */
export function rankAssets(given: {
  readonly table: FeatureTable;
  readonly rows: Int32Array;
  readonly values: Float64Array;
  readonly risks: Float64Array | null;
  readonly signature: Signature;
  /** By asset; one that is not in it has this one reading. */
  readonly histories: ReadonlyMap<string, History>;
  readonly needed: NeededHistory;
  readonly outputs?: Float64Array;
}): Ranking {
  const { table, rows, values, risks, signature, histories, needed } = given;
  const forecasts = fleetForecasts(given);
  const { nColumns } = table.matrix;
  const { interval } = signature.output;
  const isCycle = signature.output.unit === "cycles" || signature.output.forecast?.timeKind === "cycle";
  const urgency = signature.problem === "regression" ? 1 : -1;
  const entries: Omit<RankedAsset, "rank">[] = [];
  const blank: LeftOutAsset[] = [];
  for (const [i, row] of rows.entries()) {
    const asset = table.assets[table.assetCodes[row] as number] as string;
    const t = table.t[row] as number;
    const history = histories.get(asset) ?? { readings: 1, first: t, last: t };
    const { readings } = history;
    const missing = missingIn(table, row);
    if (nColumns > 0 && missing === nColumns)
      blank.push({ asset, reason: "no_features", rows: readings, codes: [] });
    else if (forecasts?.hasStart(row) === false)
      blank.push({ asset, reason: "no_present_value", rows: readings, codes: [] });
    else {
      const at = timeText(t, isCycle);
      const value = values[i] as number;
      entries.push({
        asset,
        value,
        ...(interval === undefined
          ? {}
          : { interval: { ...intervalOf(interval, value, interval), level: interval.level } }),
        risk: risks === null ? null : (risks[i] as number),
        ...forecasts?.answer(i, timeText(t, isCycle)),
        at,
        readings,
        short: isShort(history, needed),
        missing,
      });
    }
  }
  const key = ({ value, risk }: Omit<RankedAsset, "rank">) => risk ?? value;
  const isByName = forecasts?.isByName === true;
  entries.sort((a, b) => (isByName ? 0 : urgency * (key(a) - key(b))) || (a.asset < b.asset ? -1 : 1));
  return { ranked: entries.map((entry, i) => ({ ...entry, rank: i + 1 })), blank };
}

/**
 * Probability of any class but the common one: 1 − p, summed over the others, which is exact where p is nearly 1.
 *
 * @param outputs  row-major, a probability per class
 * @returns null where the model has no such class
 */
export function classRisks(
  outputs: Float64Array,
  nOutputs: number,
  commonClass: number | undefined,
): Float64Array | null {
  if (commonClass === undefined) return null;
  return Float64Array.from({ length: outputs.length / nOutputs }, (_, row) => {
    let risk = 0;
    for (let k = 0; k < nOutputs; k++) if (k !== commonClass) risk += outputs[row * nOutputs + k] as number;
    return risk;
  });
}

function missingIn({ matrix: { data, nColumns } }: FeatureTable, row: number): number {
  let missing = 0;
  for (let i = row * nColumns; i < (row + 1) * nColumns; i++) if (Number.isNaN(data[i])) missing += 1;
  return missing;
}

/** Timestamps are microseconds; small numbers are cycles or row numbers. */
function timeText(t: number, isCycle: boolean): string {
  return isCycle || t < MIN_TIMESTAMP_MICROS ? String(t) : new Date(t / 1000).toISOString();
}
