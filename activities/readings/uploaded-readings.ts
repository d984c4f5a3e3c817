import { createReadingsOf, placedReadings } from "../../intake/feeds/message-readings.ts";
import { ReadingIntake } from "../../intake/reading-intake.ts";
import { addIntake, NO_INTAKE } from "../../schemas/live/intake.ts";
import type { IntakeCounts } from "../../schemas/live/intake.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import { formatOf, readFileRows } from "../../sources/streams/folder/file-rows.ts";
import { parquetRows } from "../../stores/duckdb/parquet-rows.ts";
import type { ReadingUploadRow } from "../../stores/postgres/port/reading-uploads.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { Beat } from "../heartbeat.ts";

export type UploadDeps = Pick<ActivityDeps, "db" | "objects" | "duckdb">;

/** How readings of uploads are counted. */
const ADAPTER = "upload";

/**
 * Takes the rows of an uploaded file in, from where the last attempt ended. A row that was stored and not yet counted as
 * through comes again, and is known by its key.
 *
 * @throws {PlatformError} database_unavailable, objects_unavailable
 */
export async function takeUpload(deps: UploadDeps, id: string, beat: Beat): Promise<IntakeCounts> {
  const { db } = deps;
  const upload = await db.readingUploads.get(id);
  if (upload?.object == null)
    throw new PlatformError("not_found", `take upload [${id}]: there is no such file`);
  if (upload.state === "done" || upload.state === "failed") return { ...NO_INTAKE, ...upload.counts };
  try {
    const counts = await takeRows(deps, upload, beat);
    await db.readingUploads.end(id, "done", null);
    return counts;
  } catch (error) {
    if (!isPlatformError(error) || error.isRetryable) throw error;
    await db.readingUploads.end(id, "failed", error.message);
    throw error;
  }
}

async function takeRows(deps: UploadDeps, upload: ReadingUploadRow, beat: Beat): Promise<IntakeCounts> {
  const { db, objects, duckdb } = deps;
  const format = formatOf(upload.fileName);
  const source = await db.liveSources.get(upload.source);
  if (format === undefined || source === undefined || upload.object === null)
    throw new PlatformError(
      "bad_file",
      `take upload [${upload.fileName}]: expected .csv, .jsonl or .parquet, also .gz`,
    );
  const intake = new ReadingIntake({ sources: () => db.liveSources, readings: () => db.readings });
  const readingsOf = createReadingsOf(undefined, source.document);
  const file = { path: await objects.fetch(upload.object), name: upload.fileName, format, from: upload.rows };
  let rows = upload.rows;
  let counts: IntakeCounts = { ...NO_INTAKE, ...upload.counts };
  for await (const messages of readFileRows(file, {
    readParquet: (path, range) => parquetRows(duckdb, path, range),
  })) {
    beat.signal.throwIfAborted();
    const from = rows;
    const placed = placedReadings(
      messages.map((message, i) => ({ ...message, place: String(from + i), row: from + i + 1 })),
      { readingsOf, prefix: `${ADAPTER} ${upload.id}` },
    );
    if (placed.readings.length > 0)
      counts = addIntake(counts, await intake.submit(upload.source, ADAPTER, placed));
    rows += messages.length;
    await db.readingUploads.progress(upload.id, rows, counts);
    beat.report({ rows });
  }
  return counts;
}
