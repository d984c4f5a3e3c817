import { eventConditionSql } from "../../features/event-filter.ts";
import { compileView } from "../../features/view.ts";
import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { quoteLiteral } from "../../stores/duckdb/duckdb.ts";
import type { ReportedFailure } from "../../stores/postgres/port/labels.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { localParts } from "../features/sensor-columns.ts";

type FailureDeps = Pick<ActivityDeps, "db" | "objects" | "duckdb">;

const ASSETS_ASKED = 1_000;
const PAGE_FAILURES = 1_000;

export interface FailuresAsked {
  readonly pipeline: Pipeline;
  /** The data of the champion. */
  readonly dataset: DatasetManifest;
  /** Of the pipeline: what happened to others is nothing to its model. */
  readonly assets: readonly string[];
  /** Microseconds. */
  readonly until: number | undefined;
}

/**
 * Failures that were reported and that the champion's data do not have, whenever they happened: one that was reported late lies
 * before readings that were learnt from long ago, as healthy ones.
 */
export async function* newFailures(
  deps: FailureDeps,
  { pipeline, dataset, assets, until }: FailuresAsked,
): AsyncGenerator<readonly ReportedFailure[]> {
  const isKnown = await knownFailures(deps, pipeline, dataset);
  for (let start = 0; start < assets.length; start += ASSETS_ASKED) {
    const asked = assets.slice(start, start + ASSETS_ASKED);
    let last: ReportedFailure | undefined;
    do {
      const page = await deps.db.labels.failuresOf({
        assets: asked,
        timeKind: "timestamp",
        limit: PAGE_FAILURES,
        ...(until === undefined ? {} : { until }),
        ...(last === undefined ? {} : { after: last.seq }),
      });
      const known = await isKnown(page);
      const fresh = page.filter((one) => !known.has(keyOf(one)));
      if (fresh.length > 0) yield fresh;
      last = page.length < PAGE_FAILURES ? undefined : page.at(-1);
    } while (last !== undefined);
  }
}

type KnownOf = (failures: readonly ReportedFailure[]) => Promise<ReadonlySet<string>>;

/** Asks the events of a dataset which failures they have: of the same asset, at the same microsecond. */
async function knownFailures(
  { objects, duckdb }: FailureDeps,
  pipeline: Pipeline,
  dataset: DatasetManifest,
): Promise<KnownOf> {
  const { label } = compileView(pipeline, dataset);
  const events = label.kind === "events" ? dataset.sources[label.failures.source] : undefined;
  if (label.kind !== "events" || events === undefined || events.parts.length === 0)
    return async () => new Set();
  const from = await duckdb.parquet(await localParts({ objects }, events));
  const isFailure = eventConditionSql(label.failures);
  return async (failures) => {
    if (failures.length === 0) return new Set();
    const assets = [...new Set(failures.map(({ asset }) => quoteLiteral(asset)))];
    const rows = await duckdb.query(
      `SELECT DISTINCT __asset AS asset, __t::DOUBLE AS t FROM ${from} WHERE ${isFailure} AND __asset IN (${assets.join(", ")})`,
    );
    return new Set(rows.map(({ asset, t }) => keyOf({ asset: String(asset), t: Number(t) })));
  };
}

const keyOf = ({ asset, t }: Pick<ReportedFailure, "asset" | "t">): string => `${t} ${asset}`;
