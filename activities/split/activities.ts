import { eventConditionSql } from "../../features/event-filter.ts";
import { compileView } from "../../features/view.ts";
import { hashOf } from "../../schemas/canonical-json.ts";
import type { DatasetManifest } from "../../schemas/data/dataset.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { foldsInTime } from "../../schemas/pipeline/training.ts";
import { spanInTimeUnits } from "../../schemas/pipeline/time.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { HOLDOUT_FOLD } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import { quoteIdentifier, quoteLiteral } from "../../stores/duckdb/duckdb.ts";
import { putDocument, readDataset, readPipeline } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { SplitInput, SplitResult } from "../features/messages.ts";
import { localParts, readingsOf } from "../features/sensor-columns.ts";
import { cutSplit } from "./cut-split.ts";
import type { SplitUnits } from "./cut-split.ts";
import { frozenHoldout, replayedHoldout } from "./frozen-holdout.ts";
import { labelSpan } from "./label-span.ts";

/** Splitting: the holdout first, frozen by hash under the model's name, then the folds. */
export function createSplitActivities(deps: ActivityDeps) {
  const { objects } = deps;
  return {
    /**
     * Cuts holdout and folds. Units held out for this model before stay held out, units that trained before stay in
     * training; only new units are assigned. A holdout by time begins where it began before.
     *
     * **Effects**: split document. **Idempotency**: content; the registered holdout is written with the version.
     * **Errors**: not_enough_data, leakage,
     * conflict when the frozen holdout cannot be kept. **Retry**: work.
     */
    async splitDataset(input: SplitInput): Promise<SplitResult> {
      const pipeline = await readPipeline(objects, input.spec);
      const dataset = await readDataset(objects, input.dataset);
      const datasetId = hashOf(dataset);
      const units = await unitsOf(deps, pipeline, dataset);
      const isByTime = pipeline.split.holdout?.by === "time";
      const given = { model: input.model, unit: units.unit, isByTime, dataset };
      const before =
        input.before === undefined
          ? await frozenHoldout(deps, given)
          : await replayedHoldout(deps, given, input.before);
      const areFoldsInTime = foldsInTime(pipeline, units.unit === "asset");
      const cut = cutSplit(units, { split: pipeline.split, ...before, areFoldsInTime });
      const document = areFoldsInTime ? await withTimeFolds(deps, cut, { pipeline, dataset }) : cut;
      const split = await putDocument(objects, document);
      const nHeld = (document.folds[0] ?? []).filter((fold) => fold === HOLDOUT_FOLD).length;
      const held =
        document.holdoutFrom === undefined
          ? `${nHeld} of ${units.ids.length} ${units.unit}s`
          : "the latest readings";
      const isReused = before.frozen.size > 0 || before.holdoutFrom !== null;
      return {
        split,
        holdoutHash: holdoutHash(datasetId, document, units),
        detail: `${held} held out${isReused ? " (as before: a changed share or seed applies to new ones only)" : ""}, ${pipeline.split.folds} folds × ${pipeline.split.repeats}`,
        isReused,
      };
    },
  };
}

/** Identity of the frozen rows: the dataset and who of it is held out, independent of the folds. */
function holdoutHash(dataset: string, document: SplitDocument, units: SplitUnits): string {
  const [folds = []] = document.folds;
  const held = units.ids.filter((_, i) => folds[i] === HOLDOUT_FOLD);
  return hashOf({ dataset, unit: document.unit, held, from: document.holdoutFrom ?? null });
}

async function unitsOf(
  deps: ActivityDeps,
  pipeline: Pipeline,
  dataset: DatasetManifest,
): Promise<SplitUnits> {
  const source = readingsOf(dataset);
  const from = await deps.duckdb.parquet(await localParts(deps, source));
  const { holdout } = pipeline.split;
  const unit = source.hasAsset && holdout?.by !== "row" ? "asset" : "row";
  const timeAt = await timeQuantile(deps, from, holdout?.by === "time" ? 1 - holdout.share : undefined);
  const gapSpan = holdout?.by === "time" ? holdout.gap : undefined;
  const timeKind = source.timeKind === "timestamp" ? "timestamp" : "cycle";
  // Labels of the last training rows look ahead: without a declared gap, rows that would see the holdout are dropped.
  const span = labelSpan(pipeline, source.timeKind);
  const declared = gapSpan === undefined ? span : spanInTimeUnits(gapSpan, timeKind);
  // The reading of a horizon may be later than it, by its tolerance.
  const gap = pipeline.task.kind === "forecast" ? Math.max(span, declared) : declared;
  if (unit === "asset") {
    if (holdout?.by === "parts") await requireSeparateParts(deps, from, holdout.parts);
    const table = await deps.duckdb.columns(
      `SELECT __asset, min(__part) AS part FROM ${from} GROUP BY __asset ORDER BY __asset`,
    );
    const [ids, parts] = [table.columns["__asset"] as string[], table.columns["part"] as string[]];
    const failing =
      (await failingAssets(deps, pipeline, dataset)) ?? assetsOfFailedParts(pipeline, { ids, parts });
    const classes = failing === undefined ? {} : { classes: ids.map((id) => (failing.has(id) ? 1 : 0)) };
    return { unit, ids, parts, timeAt, gap, ...classes };
  }
  const { label } = pipeline;
  const column = label.kind === "column" ? source.columns.find((c) => c.name === label.column) : undefined;
  const labelSql = column === undefined ? "''" : `coalesce(${quoteIdentifier(column.physical)}::VARCHAR, '')`;
  if (holdout?.by === "parts" && source.timeKind !== "none")
    await requireSeparateTimes(deps, from, holdout.parts);
  const table = await deps.duckdb.columns(
    `SELECT __seq::DOUBLE AS seq, __part AS part, ${labelSql} AS label FROM ${from} ORDER BY __seq`,
  );
  const labels = table.columns["label"] as string[];
  const values = [...new Set(labels)].sort();
  const isClass = column !== undefined && pipeline.task.kind === "class";
  return {
    unit,
    ids: Array.from(table.columns["seq"] as Float64Array, String),
    parts: table.columns["part"] as string[],
    ...(isClass ? { classes: labels.map((text) => values.indexOf(text)) } : {}),
    timeAt,
    gap,
  };
}

/** Where some parts are of assets that had not failed: those of the others. */
function assetsOfFailedParts(
  { label }: Pipeline,
  { ids, parts }: Pick<SplitUnits, "ids" | "parts">,
): ReadonlySet<string> | undefined {
  if (label.kind !== "end_of_life" || !label.ends.some(({ at }) => at === "not_failed")) return undefined;
  const isRunning = (part: string) =>
    label.ends.find((end) => end.parts === undefined || end.parts.includes(part))?.at === "not_failed";
  return new Set(ids.filter((_, i) => !isRunning(parts[i] as string)));
}

/**
 * Assets with a failure event: holdout and folds get their share of them, as a side without any failure can neither be
 * learnt from nor judge.
 */
async function failingAssets(
  deps: ActivityDeps,
  pipeline: Pipeline,
  dataset: DatasetManifest,
): Promise<ReadonlySet<string> | undefined> {
  const { label } = compileView(pipeline, dataset);
  if (label.kind !== "events" || !label.failures.hasAsset) return undefined;
  const events = dataset.sources[label.failures.source];
  if (events === undefined || events.parts.length === 0) return undefined;
  const from = await deps.duckdb.parquet(await localParts(deps, events));
  const table = await deps.duckdb.columns(
    `SELECT DISTINCT __asset AS asset FROM ${from} WHERE ${eventConditionSql(label.failures)} ORDER BY asset`,
  );
  return new Set(table.columns["asset"] as string[]);
}

/**
 * An asset whose readings lie in a held-out part and in another would be trained on and judged by: units are whole
 * assets, so this must be seen before they are made.
 *
 * @throws {PlatformError} leakage, naming the assets
 */
async function requireSeparateParts(
  deps: ActivityDeps,
  from: string,
  heldParts: readonly string[],
): Promise<void> {
  const isHeld = `__part IN (${heldParts.map(quoteLiteral).join(", ")})`;
  const shared = await deps.duckdb.query(
    `SELECT __asset AS asset, string_agg(DISTINCT __part, ', ' ORDER BY __part) AS parts FROM ${from} GROUP BY __asset` +
      ` HAVING bool_or(${isHeld}) AND NOT bool_and(${isHeld}) ORDER BY __asset LIMIT ${SHOWN_OVERLAPS + 1}`,
  );
  if (shared.length === 0) return;
  const names = shared
    .slice(0, SHOWN_OVERLAPS)
    .map((row) => `${String(row["asset"])} (${String(row["parts"])})`);
  throw new PlatformError(
    "leakage",
    `overlapping assets: ${names.join("; ")}${shared.length > SHOWN_OVERLAPS ? "; and more" : ""} in a held-out part and in another; give the files an assetPrefix, or hold out by asset`,
  );
}

/**
 * Readings without assets are one series, whatever files they come in: what lies inside the time of a held-out part is
 * nearly its neighbour's value, and would be trained on.
 *
 * @throws {PlatformError} leakage, naming the parts
 */
async function requireSeparateTimes(
  deps: ActivityDeps,
  from: string,
  heldParts: readonly string[],
): Promise<void> {
  const held = heldParts.map(quoteLiteral).join(", ");
  const overlaps = await deps.duckdb.query(
    `SELECT h.part AS held, r.__part AS part, count(*) AS n FROM ${from} r` +
      ` JOIN (SELECT __part AS part, min(__t) AS first, max(__t) AS last FROM ${from} WHERE __part IN (${held}) GROUP BY 1) h` +
      ` ON r.__t BETWEEN h.first AND h.last WHERE r.__part NOT IN (${held}) GROUP BY 1, 2 ORDER BY 1, 2 LIMIT ${SHOWN_OVERLAPS + 1}`,
  );
  if (overlaps.length === 0) return;
  const named = overlaps
    .slice(0, SHOWN_OVERLAPS)
    .map(
      ({ n, part, held: of }) => `${String(n)} readings of ${partText(part)} in the time of ${partText(of)}`,
    );
  throw new PlatformError(
    "leakage",
    `overlapping times: ${named.join("; ")}${overlaps.length > SHOWN_OVERLAPS ? "; and more" : ""}; separate the files in time, or declare the asset column`,
  );
}

function partText(part: unknown): string {
  return part === "" ? "the files without a part" : String(part);
}

const SHOWN_OVERLAPS = 5;

/** Share of the rows that only trains: a model of much less would say little of the one that is served. */
const FIRST_SHARE = 0.5;

/**
 * Blocks of time: the first half of the rows only trains, the rest is cut into folds of as many rows each, which validate
 * what was learnt before them.
 *
 * @throws {PlatformError} not_enough_data when there are fewer times than blocks
 */
async function withTimeFolds(
  deps: ActivityDeps,
  document: SplitDocument,
  { pipeline, dataset }: { readonly pipeline: Pipeline; readonly dataset: DatasetManifest },
): Promise<SplitDocument> {
  const source = readingsOf(dataset);
  const { folds } = pipeline.split;
  const shares = Array.from({ length: folds }, (_, k) => FIRST_SHARE + ((1 - FIRST_SHARE) * k) / folds);
  const parquet = await deps.duckdb.parquet(await localParts(deps, source));
  const before = BigInt(Math.ceil(document.gapFrom ?? 0));
  const table = await deps.duckdb.columns(
    `SELECT unnest(quantile_disc(__t, [${shares.join(", ")}]))::DOUBLE AS t FROM ${parquet} WHERE __t < ${before}`,
  );
  const from = [...(table.columns["t"] as Float64Array)];
  const isAscending = from.every((t, k) => Number.isFinite(t) && (k === 0 || t > (from[k - 1] as number)));
  if (isAscending && from.length === folds)
    return { ...document, timeFolds: { from, gap: labelSpan(pipeline, source.timeKind) } };
  throw new PlatformError(
    "not_enough_data",
    `cut the folds in time: expected readings at ${folds + 1} times or more before the holdout and what its labels look ahead to; use fewer folds, nearer horizons or more readings`,
  );
}

async function timeQuantile(
  deps: ActivityDeps,
  from: string,
  share: number | undefined,
): Promise<(share: number) => number> {
  if (share === undefined) return () => Number.NaN;
  const [row] = await deps.duckdb.query(`SELECT quantile_disc(__t, ${share})::DOUBLE AS t FROM ${from}`);
  return () => Number(row?.["t"]);
}
