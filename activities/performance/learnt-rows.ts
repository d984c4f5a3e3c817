import type { FeatureView } from "../../features/feature-view.ts";
import { HOLDOUT_FOLD, splitDocumentSchema } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import { parseIsoMicros } from "../../schemas/text/iso-time.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import type { VersionPrediction } from "../../stores/postgres/port.ts";
import type { JudgedVersion, PerformanceDeps } from "./judged-version.ts";

type AboutRow = Pick<VersionPrediction, "asset" | "t">;

/** The ends of assets are on record to the millisecond, cut off. */
const CUT_MICROS = 999;

const never = (): boolean => false;

/**
 * Whether a prediction is about a row that the version learnt from: it remembers the answer to that, and such rows would
 * make it look better than it is.
 *
 * Learnt is what is of an asset that trained and not later than the end of its data in the dataset; with a holdout of the
 * latest readings, what is before the gap of the holdout. That is rather too much than too little: of the last rows the
 * outcome was not known yet, but that of their neighbours was. Where nobody said what time a prediction is about it cannot be
 * told, and neither of a version that was trained elsewhere: these are judged.
 *
 * Errors: those of the stores.
 */
export async function learntRows(
  { db, objects }: Pick<PerformanceDeps, "db" | "objects">,
  { row: version, view }: Pick<JudgedVersion, "row" | "view">,
  rows: readonly AboutRow[],
): Promise<(row: AboutRow) => boolean> {
  if (version.evaluation.origin?.kind === "imported" || view.timeKind === "none") return never;
  const timed = rows.filter(({ t }) => t !== null);
  if (timed.length === 0) return never;
  const ends = view.hasAsset ? await endsOf(db, version, view, timed) : undefined;
  const isInData = ({ asset, t }: AboutRow): boolean =>
    t !== null && (ends === undefined || t <= (ends.get(asset ?? "") ?? Number.NaN));
  // What is asked of a live version is nearly always later than its data: then nobody need read how they were split.
  if (!timed.some(isInData)) return never;
  const holdout = await db.registry.versionHoldout(version.model, version.version);
  const split =
    holdout === undefined ? undefined : await getDocument(objects, holdout.object, splitDocumentSchema);
  // Rows at or after it are held out, or were dropped as their labels reach into what is.
  const before = split?.gapFrom ?? split?.holdoutFrom ?? Number.POSITIVE_INFINITY;
  // One series without a holdout in time: which of its rows were held out is not on record by their time.
  if (ends === undefined && !Number.isFinite(before)) return never;
  const held = heldAssets(split);
  return (row) => isInData(row) && !held.has(row.asset ?? "") && (row.t ?? Number.NaN) < before;
}

/** End of each asset's data in the version's dataset. */
async function endsOf(
  { datasets }: Pick<PerformanceDeps["db"], "datasets">,
  { dataset }: Pick<JudgedVersion["row"], "dataset">,
  { source, timeKind }: FeatureView,
  rows: readonly AboutRow[],
): Promise<ReadonlyMap<string, number>> {
  const assets = [...new Set(rows.flatMap(({ asset }) => asset ?? []))];
  const lastTimes = await datasets.lastTimes({ dataset, source, assets });
  return new Map([...lastTimes].map(([asset, text]) => [asset, endOf(text, timeKind)]));
}

/** Assets that trained nothing. Where single rows were held out, or the split is not on record, all may have trained. */
function heldAssets(split: SplitDocument | undefined): ReadonlySet<string> {
  if (split?.unit !== "asset") return new Set();
  const [folds = []] = split.folds;
  return new Set(split.ids.filter((_, i) => (folds[i] ?? HOLDOUT_FOLD) < 0));
}

/** The last time of an asset's data; NaN, which nothing is before, of years that are on record as a number. */
function endOf(text: string, timeKind: FeatureView["timeKind"]): number {
  return timeKind === "cycle" ? Number(text) : (parseIsoMicros(text) ?? Number.NaN) + CUT_MICROS;
}
