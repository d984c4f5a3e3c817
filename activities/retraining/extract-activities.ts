import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { StoredReading } from "../../stores/postgres/port/live.ts";
import { liveFileName } from "../../sources/files/live-files.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import type { Beat } from "../heartbeat.ts";
import { readHistories } from "../scoring/histories.ts";
import { putCsv } from "./csv-object.ts";
import { failureRowsOf, knownUntil, liveRowsOf } from "./live-extract.ts";
import type { LiveExtract, LiveRows } from "./live-extract.ts";
import { newFailures } from "./reported-failures.ts";
import { standingPipeline } from "./standing-pipeline.ts";

type ExtractDeps = Pick<ActivityDeps, "db" | "objects" | "duckdb" | "scratchDir">;

const PAGE_ROWS = 2_000;
const NOTHING: LiveExtract = { files: [], readings: 0, failures: 0 };

export interface ExtractInput {
  readonly model: string;
  readonly window: string;
  /** The moment of training, ISO 8601; absent in what was scheduled by a release that did not name it: now. */
  readonly asOf?: string;
}

/** What was stored since the champion was trained, as files that a retrain learns from. */
export function createExtractActivities(deps: ExtractDeps) {
  const { db } = deps;
  return {
    /**
     * Writes the readings of the pipeline's live source that are newer than those of each asset in the champion's data, and the
     * failures of its assets that were reported and that those data do not have: both as far as failures have been reported
     * (`knownUntil`).
     *
     * **Effects**: raw objects. **Idempotency**: content addresses; a second attempt may see what came late meanwhile.
     * **Heartbeat**: 1 s. **Errors**: not_found, integrity. **Retry**: work.
     */
    async extractLive({
      model,
      window,
      asOf = new Date().toISOString(),
    }: ExtractInput): Promise<LiveExtract> {
      return withHeartbeat(async (beat) => {
        const champion = await db.registry.champion(model);
        if (champion === undefined) return NOTHING;
        const { pipeline } = await standingPipeline(db, champion);
        const [name, source] =
          Object.entries(pipeline.sources).find(([, one]) => one.role === "readings") ?? [];
        if (name === undefined || source?.live === undefined || !pipeline.retraining.live) return NOTHING;
        const found = await db.liveSources.get(source.live);
        if (found === undefined) return { ...NOTHING, notTaken: `there is no live source ${source.live}` };
        const rows = liveRowsOf(pipeline, source, found.document);
        if ("why" in rows) return { ...NOTHING, notTaken: rows.why };
        const dataset = (await db.datasets.get(champion.dataset))?.manifest;
        // Without them nobody knows which readings are new.
        if (dataset === undefined) return { ...NOTHING, notTaken: "the data of the champion are gone" };
        const { sourceKey } = found;
        const until = knownUntil(pipeline, asOf);
        return extract(deps, { pipeline, dataset, sourceKey, name, window, rows, until, beat });
      });
    },
  };
}

interface ExtractJob {
  readonly pipeline: Pipeline;
  /** The data of the champion. */
  readonly dataset: DatasetManifest;
  readonly sourceKey: number;
  /** Of the readings. */
  readonly name: string;
  readonly window: string;
  readonly rows: LiveRows;
  readonly until: number | undefined;
  readonly beat: Beat;
}

async function extract(deps: ExtractDeps, job: ExtractJob): Promise<LiveExtract> {
  const { pipeline, dataset, sourceKey, name, window, rows, until, beat } = job;
  const known = await readHistories(deps, dataset);
  const live = await deps.db.readings.assetsIn(sourceKey);
  const spanOf = (asset: string) => ({ sourceKey, asset, after: known.get(asset)?.last, until });
  const readings = await putCsv(deps, {
    name: liveFileName(name, window),
    header: rows.header,
    pages: mapPages(newReadings(deps, live, spanOf), (one) => rows.read(one)),
    beat,
  });
  const events = failureRowsOf(pipeline);
  const assets = [...new Set([...known.keys(), ...live])].toSorted();
  const failures =
    events === undefined
      ? undefined
      : await putCsv(deps, {
          name: liveFileName(events.source, window),
          header: events.header,
          pages: mapPages(newFailures(deps, { pipeline, dataset, assets, until }), (one) => events.read(one)),
          beat,
        });
  return {
    files: [readings, failures].flatMap((one) => one?.file ?? []),
    readings: readings?.n ?? 0,
    failures: failures?.n ?? 0,
    ...(until === undefined ? {} : { until: new Date(until / 1_000).toISOString() }),
  };
}

interface SpanOfAsset {
  readonly sourceKey: number;
  readonly asset: string;
  /** Microseconds; undefined: nothing of it is known. */
  readonly after: number | undefined;
  /** Microseconds, included; undefined: all. */
  readonly until: number | undefined;
}

/** Asset by asset, a page at a time: memory is bounded. */
async function* newReadings(
  { db }: ExtractDeps,
  assets: readonly string[],
  spanOf: (asset: string) => SpanOfAsset,
): AsyncGenerator<readonly StoredReading[]> {
  for (const id of assets) {
    const { sourceKey, asset, after, until } = spanOf(id);
    let last: StoredReading | undefined;
    do {
      const page = await db.readings.page({
        sourceKey,
        asset,
        limit: PAGE_ROWS,
        order: "oldest",
        isTimestamp: true,
        ...(after === undefined ? {} : { since: after + 1 }),
        ...(until === undefined ? {} : { until: until + 1 }),
        ...(last === undefined ? {} : { after: last }),
      });
      if (page.length > 0) yield page;
      last = page.length < PAGE_ROWS ? undefined : page.at(-1);
    } while (last !== undefined);
  }
}

async function* mapPages<T, U>(
  pages: AsyncIterable<readonly T[]>,
  map: (one: T) => U,
): AsyncGenerator<readonly U[]> {
  for await (const page of pages) yield page.map(map);
}
