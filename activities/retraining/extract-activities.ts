import { createHash } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RawFile } from "../../schemas/data/dataset.ts";
import type { LiveSource } from "../../schemas/live/source.ts";
import { exactCsvText } from "../../schemas/text/csv.ts";
import type { LabelRow } from "../../stores/postgres/port/labels.ts";
import type { StoredReading } from "../../stores/postgres/port/live.ts";
import { liveFileName } from "../../sources/files/live-files.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import type { Beat } from "../heartbeat.ts";
import { readHistories } from "../scoring/histories.ts";
import { failureRowsOf, liveRowsOf } from "./live-extract.ts";
import type { LiveExtract, LiveRows } from "./live-extract.ts";
import { standingPipeline } from "./standing-pipeline.ts";

type ExtractDeps = Pick<ActivityDeps, "db" | "objects" | "duckdb" | "scratchDir">;

const PAGE_ROWS = 2_000;
const LABELS_PAGE = 1_000;
const NOTHING: LiveExtract = { files: [], readings: 0, failures: 0 };

export interface ExtractInput {
  readonly model: string;
  readonly window: string;
}

/** What was stored since the champion was trained, as files that a retrain learns from. */
export function createExtractActivities(deps: ExtractDeps) {
  const { db } = deps;
  return {
    /**
     * Writes the readings of the pipeline's live source that are newer than those of each asset in the champion's data, and the
     * failures that were reported of that time.
     *
     * **Effects**: raw objects. **Idempotency**: content addresses; a second attempt may see readings that came meanwhile.
     * **Heartbeat**: 1 s. **Errors**: not_found, integrity. **Retry**: work.
     */
    async extractLive({ model, window }: ExtractInput): Promise<LiveExtract> {
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
        const manifest = (await db.datasets.get(champion.dataset))?.manifest;
        // Without them nobody knows which readings are new.
        if (manifest === undefined) return { ...NOTHING, notTaken: "the data of the champion are gone" };
        const known = await readHistories(deps, manifest);
        const after = (asset: string): number => known.get(asset)?.last ?? Number.NEGATIVE_INFINITY;
        const taken = await writeReadings(deps, {
          rows,
          found,
          after,
          name: liveFileName(name, window),
          beat,
        });
        if (taken === undefined) return NOTHING;
        const failures = failureRowsOf(pipeline, await newFailures(deps, after));
        const events =
          failures === undefined
            ? []
            : [await putText(deps, liveFileName(failures.source, window), exactCsvText(failures.rows))];
        const nFailures = failures === undefined ? 0 : failures.rows.length - 1;
        return { files: [taken.file, ...events], readings: taken.n, failures: nFailures };
      });
    },
  };
}

interface WriteJob {
  readonly rows: LiveRows;
  readonly found: { readonly sourceKey: number; readonly document: LiveSource };
  /** Microseconds up to which an asset is known. */
  readonly after: (asset: string) => number;
  readonly name: string;
  readonly beat: Beat;
}

/** Asset by asset, a page at a time: memory is bounded. @returns undefined where there is no reading */
async function writeReadings(
  deps: ExtractDeps,
  { rows, found, after, name, beat }: WriteJob,
): Promise<{ readonly file: RawFile; readonly n: number } | undefined> {
  const scratch = await mkdtemp(join(deps.scratchDir, "extract-"));
  try {
    const path = join(scratch, "readings.csv");
    const hash = createHash("sha256");
    const file = await open(path, "w");
    let n = 0;
    try {
      const write = async (text: string) => {
        hash.update(text);
        await file.writeFile(text);
      };
      await write(exactCsvText([rows.header]));
      for (const asset of await deps.db.readings.assetsIn(found.sourceKey)) {
        for await (const page of pagesOf(deps, { sourceKey: found.sourceKey, asset, after: after(asset) })) {
          beat.signal.throwIfAborted();
          await write(exactCsvText(page.map((reading) => [...rows.read(reading)])));
          n += page.length;
          beat.report({ readings: n });
        }
      }
    } finally {
      await file.close();
    }
    if (n === 0) return undefined;
    return {
      n,
      file: { name, object: await deps.objects.putFile(`raw/sha256/${hash.digest("hex")}`, path) },
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function* pagesOf(
  { db }: ExtractDeps,
  { sourceKey, asset, after }: { readonly sourceKey: number; readonly asset: string; readonly after: number },
): AsyncGenerator<readonly StoredReading[]> {
  const since = Number.isFinite(after) ? { since: after + 1 } : {};
  let last: StoredReading | undefined;
  do {
    const page = await db.readings.page({
      sourceKey,
      asset,
      limit: PAGE_ROWS,
      order: "oldest",
      isTimestamp: true,
      ...since,
      ...(last === undefined ? {} : { after: last }),
    });
    if (page.length > 0) yield page;
    last = page.length < PAGE_ROWS ? undefined : page.at(-1);
  } while (last !== undefined);
}

/** Failures that are newer than what is known of their asset, oldest first. */
async function newFailures({ db }: ExtractDeps, after: (asset: string) => number): Promise<LabelRow[]> {
  const found: LabelRow[] = [];
  let last: LabelRow | undefined;
  do {
    const page = await db.labels.list({
      kind: "failure",
      state: "valid",
      limit: LABELS_PAGE,
      ...(last === undefined ? {} : { after: last.seq }),
    });
    for (const label of page)
      if (label.asset !== null && label.t !== null && label.t > after(label.asset)) found.push(label);
    last = page.length < LABELS_PAGE ? undefined : page.at(-1);
  } while (last !== undefined);
  return found.toReversed();
}

async function putText({ objects }: ExtractDeps, name: string, text: string): Promise<RawFile> {
  const bytes = new TextEncoder().encode(text);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { name, object: await objects.put(`raw/sha256/${sha256}`, bytes) };
}
