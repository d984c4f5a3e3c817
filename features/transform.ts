import { rm } from "node:fs/promises";
import type { FittedState } from "../schemas/data/feature-set.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import type { FeatureView } from "./feature-view.ts";
import { FAR_WINDOW } from "./sql-plan.ts";
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
 * Windows far from the first value of their series need costlier sums. Few series have any, so the statement without them is
 * tried first; a row has the same values by both.
 *
 * The same input gives the same values, bit for bit, at any number of threads. Memory is bounded by the engine's
 * limit: what does not fit is spilled.
 *
 * @throws {PlatformError} quality_gate: windows far from the first value of their series, in more columns than memory allows
 */
export async function transformShard(
  engine: SqlEngine,
  input: TransformShardInput,
): Promise<TransformedShard> {
  const { view, fitted, out } = input;
  const tables: Record<string, string> = {};
  for (const [source, paths] of Object.entries(input.sources)) tables[source] = await engine.parquet(paths);
  tables[view.source] = await engine.parquet(input.readings);
  const allReadings = await engine.parquet(input.allReadings ?? input.readings);
  const write = (isExact: boolean) =>
    engine.copyToParquet(
      featureSql({
        view,
        fitted,
        tables,
        allReadings,
        isExact,
        ...(input.classLabels === undefined ? {} : { classLabels: input.classLabels }),
        ...(input.hasLabel === undefined ? {} : { hasLabel: input.hasLabel }),
      }),
      out,
      {
        orderBy: ["__asset", "__t", "__seq"],
        ...(input.signal === undefined ? {} : { signal: input.signal }),
      },
    );
  try {
    return { path: out, rows: await write(false) };
  } catch (error) {
    if (!says(error, FAR_WINDOW)) throw error;
  }
  await rm(out, { force: true });
  try {
    return { path: out, rows: await write(true) };
  } catch (error) {
    throw says(error, OUT_OF_MEMORY) ? tooFar(error) : error;
  }
}

/** How DuckDB begins what it says of its memory limit. */
const OUT_OF_MEMORY = "Out of Memory Error";

function says(error: unknown, text: string): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause.message.includes(text)) return true;
  return false;
}

/** Trying again would not help, as it would where other work took the memory: these sums need several times that of plain ones. */
function tooFar(cause: unknown): PlatformError {
  return new PlatformError(
    "quality_gate",
    "transform: a sensor begins with a value far from all later ones, such as 2147483647 where there is none, and the sums that keep " +
      "their digits then need more memory than there is. Declare the column's `range`, so that such values count as missing, or ask for fewer windows.",
    { cause },
  );
}
