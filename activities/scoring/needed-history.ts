import type { FeatureView } from "../../features/feature-view.ts";
import type { DatasetManifest } from "../../schemas/dataset.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { localParts, readingsOf } from "../features/sensor-columns.ts";

/** The history that the longest window of a view looks back on; 0 where none does. */
export interface NeededHistory {
  readonly readings: number;
  /** Of windows that are counted in time. */
  readonly micros: number;
}

/** What operators call their look-back; each operator owns the form of its arguments. */
interface LookBack {
  readonly window?: { readonly rows?: number; readonly us?: number };
  readonly steps?: number;
  /** Readings of a baseline; `life` is as long as there is. */
  readonly over?: number | "life";
}

export function neededHistory(view: Pick<FeatureView, "features">): NeededHistory {
  let readings = 0;
  let micros = 0;
  for (const { args } of view.features) {
    const { window, steps, over } = args as LookBack;
    const first = typeof over === "number" ? over : 0;
    readings = Math.max(readings, window?.rows ?? 0, steps === undefined ? 0 : steps + 1, first);
    micros = Math.max(micros, window?.us ?? 0);
  }
  return { readings, micros };
}

/** Accepted readings of one asset, and the times of the first and last of them. */
export interface History {
  readonly readings: number;
  readonly first: number;
  readonly last: number;
}

/** By asset; empty where the readings name no assets, as every row stands for itself then. */
export async function readHistories(
  deps: Pick<ActivityDeps, "objects" | "duckdb">,
  dataset: DatasetManifest,
): Promise<Map<string, History>> {
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
 * Whether a history is shorter than the longest window: the windowed features are then of less than they were learnt from.
 *
 * A time window (t − w, t] is full when the readings reach back over it, up to one mean interval between them.
 */
export function isShort({ readings, first, last }: History, needed: NeededHistory): boolean {
  const interval = readings > 1 ? (last - first) / (readings - 1) : 0;
  return readings < needed.readings || (needed.micros > 0 && last - first + interval < needed.micros);
}
