import type { NewLabel } from "../../../../schemas/serving/observed-label.ts";
import type { Sql } from "../../connection/connection-pool.ts";
import type { LabelOutcome } from "../../port/labels.ts";

/**
 * Labels that may not be kept: of a prediction that is not on record, or, for callers who are limited to sites, of an asset that is
 * not there.
 *
 * @returns per label its refusal, or undefined
 */
export async function refusalsOf(
  sql: Sql,
  labels: readonly Pick<NewLabel, "id" | "asset" | "predictionId">[],
  sites: readonly string[] | undefined,
): Promise<(LabelOutcome | undefined)[]> {
  const assetOf = await assetsOfPredictions(sql, labels);
  const asset = (label: Pick<NewLabel, "asset" | "predictionId">): string | null =>
    label.predictionId === null ? label.asset : (assetOf.get(label.predictionId) ?? null);
  const visible = sites === undefined ? undefined : await assetsAt(sql, labels.map(asset), sites);
  return labels.map((label) => {
    const { id, predictionId } = label;
    const isUnknown = predictionId !== null && !assetOf.has(predictionId);
    const isOutside = visible !== undefined && !visible.has(asset(label) ?? "");
    if (!isUnknown && !isOutside) return undefined;
    const what = predictionId === null ? `asset ${label.asset}` : `prediction ${predictionId}`;
    return {
      outcome: "refused",
      id,
      code: "not_found",
      reason: `there is no ${what}${isOutside ? " at your sites" : ""}`,
    };
  });
}

/** Prediction → its asset, null where it has none; of predictions that are on record. */
async function assetsOfPredictions(
  sql: Sql,
  labels: readonly Pick<NewLabel, "predictionId">[],
): Promise<Map<string, string | null>> {
  const ids = labels.flatMap(({ predictionId }) => predictionId ?? []);
  if (ids.length === 0) return new Map();
  const rows = await sql.query<{ id: string; asset: string | null }>(
    "select prediction_id as id, asset_id as asset from aura.prediction_index where prediction_id = any ($1)",
    [ids],
  );
  return new Map(rows.map(({ id, asset }) => [id, asset]));
}

async function assetsAt(
  sql: Sql,
  assets: readonly (string | null)[],
  sites: readonly string[],
): Promise<Set<string>> {
  const ids = assets.flatMap((asset) => asset ?? []);
  const rows = await sql.query<{ asset: string }>(
    "select asset_id as asset from aura.assets where asset_id = any ($1) and site_id = any ($2)",
    [ids, sites],
  );
  return new Set(rows.map(({ asset }) => asset));
}
