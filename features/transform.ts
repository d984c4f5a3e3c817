import type { FittedState } from "../schemas/data/feature-set.ts";
import type { FeatureView } from "./feature-view.ts";
import { featureSql } from "./sql.ts";
import type { SqlEngine } from "./sql-engine.ts";

export interface TransformShardInput {
  readonly view: FeatureView;
  readonly fitted: FittedState;
  /** Local paths of the shard's readings; its assets are complete. */
  readonly readings: readonly string[];
  /** Local paths of all shards of the readings; needed by row-number labels. Default: the shard. */
  readonly allReadings?: readonly string[];
  /** Local paths of the other sources the view names. */
  readonly sources: Readonly<Record<string, readonly string[]>>;
  readonly classLabels?: readonly string[];
  /** false: features without labels. */
  readonly hasLabel?: boolean;
  /** File to write; must not exist. */
  readonly out: string;
  readonly signal?: AbortSignal;
}

export interface TransformedShard {
  readonly path: string;
  readonly rows: number;
}

/**
 * Computes the features and labels of one shard and writes them as Parquet, ordered by `__asset, __t, __seq`.
 *
 * The same input gives the same values, bit for bit, at any number of threads. Memory is bounded by the engine's
 * limit: what does not fit is spilled.
 */
export async function transformShard(
  engine: SqlEngine,
  input: TransformShardInput,
): Promise<TransformedShard> {
  const { view, fitted, out } = input;
  const tables: Record<string, string> = {};
  for (const [source, paths] of Object.entries(input.sources)) tables[source] = await engine.parquet(paths);
  tables[view.source] = await engine.parquet(input.readings);
  const sql = featureSql({
    view,
    fitted,
    tables,
    allReadings: await engine.parquet(input.allReadings ?? input.readings),
    ...(input.classLabels === undefined ? {} : { classLabels: input.classLabels }),
    ...(input.hasLabel === undefined ? {} : { hasLabel: input.hasLabel }),
  });
  const rows = await engine.copyToParquet(sql, out, {
    orderBy: ["__asset", "__t", "__seq"],
    ...(input.signal === undefined ? {} : { signal: input.signal }),
  });
  return { path: out, rows };
}
