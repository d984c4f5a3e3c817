import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import type { FeatureView } from "../../features/feature-view.ts";
import { neededHistory } from "../../features/needed-history.ts";
import type { History } from "../../features/needed-history.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { localParts, readingsOf } from "../features/sensor-columns.ts";

type Histories = ReadonlyMap<string, History>;

/** Accepted readings by asset; empty where the readings name no assets, as every row stands for itself then. */
export async function readHistories(
  deps: Pick<ActivityDeps, "objects" | "duckdb">,
  dataset: DatasetManifest,
): Promise<Histories> {
  const source = readingsOf(dataset);
  if (!source.hasAsset || source.parts.length === 0) return new Map();
  const from = await deps.duckdb.parquet(await localParts(deps, source));
  const rows = await deps.duckdb.query(
    `SELECT __asset AS asset, count(*) AS n, min(__t) AS first, max(__t) AS last FROM ${from} GROUP BY __asset`,
  );
  return new Map(
    rows.map((row) => [
      String(row["asset"]),
      { readings: Number(row["n"]), first: Number(row["first"]), last: Number(row["last"]) },
    ]),
  );
}

/**
 * Histories that are to be scored, with where each asset's life is known to begin: at cycle 1, or at its first reading in
 * the data that the model was trained on. Where no feature looks back so far, they are as they were.
 *
 * @param learnt  reads the histories of the training data; asked only where they are needed
 */
export async function withStarts(
  histories: Histories,
  view: Pick<FeatureView, "features" | "timeKind">,
  learnt: () => Promise<Histories>,
): Promise<Histories> {
  if (view.timeKind === "none" || !neededHistory(view).isLifelong) return histories;
  const known = view.timeKind === "cycle" ? undefined : await learnt();
  return new Map(
    [...histories].map(([asset, history]) => {
      const start = known === undefined ? 1 : known.get(asset)?.first;
      return [asset, start === undefined ? history : { ...history, start }];
    }),
  );
}
