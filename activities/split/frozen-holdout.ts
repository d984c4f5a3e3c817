import type { DatasetManifest, DatasetSource } from "../../schemas/data/dataset.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { HOLDOUT_FOLD, splitDocumentSchema } from "../../schemas/data/split.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { quoteIdentifier } from "../../stores/duckdb/duckdb.ts";
import { getDocument } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { localParts, readingsOf } from "../features/sensor-columns.ts";

/** What an earlier holdout of the model binds the present split to. */
export interface FrozenHoldout {
  /** Units that were held out; they never train. */
  readonly frozen: ReadonlySet<string>;
  /** Units that trained; they are not newly held out. */
  readonly trainedBefore: ReadonlySet<string>;
  /** A holdout by time begins where it began before. */
  readonly holdoutFrom: number | null;
}

export interface FrozenGiven {
  readonly model: string;
  readonly unit: "asset" | "row";
  readonly isByTime: boolean;
  readonly dataset: DatasetManifest;
}

type Reads = Pick<ActivityDeps, "db" | "objects" | "duckdb">;

/**
 * Units of the model's registered holdout in the present dataset.
 *
 * @throws {PlatformError} conflict when the present split could not keep them out of training
 */
export async function frozenHoldout(deps: Reads, given: FrozenGiven): Promise<FrozenHoldout> {
  const { model, unit, isByTime, dataset } = given;
  const none = nothingFrozen();
  const registered = await deps.db.registry.holdout(model);
  if (registered === undefined) return none;
  const before = await getDocument(deps.objects, registered.object, splitDocumentSchema);
  requireKeepable(before, given);
  if (isByTime) return { ...none, holdoutFrom: before.holdoutFrom ?? null };
  if (unit === "asset") return sides(before.ids, before);
  const earlier = (await deps.db.datasets.get(registered.dataset))?.manifest;
  if (earlier === undefined) throw cannotKeep(model, "the dataset it was cut from is gone");
  const [folds = []] = before.folds;
  const isPrefix = earlier.raw.every(
    (file, i) =>
      file.object.sha256 === dataset.raw[i]?.object.sha256 && file.source === dataset.raw[i]?.source,
  );
  // `__seq` still names the same row while the earlier files begin the present ones.
  if (isPrefix)
    return sides(
      folds.map((_, seq) => String(seq)),
      before,
    );
  return matchedRows(deps, before, { model, earlier: readingsOf(earlier), present: readingsOf(dataset) });
}

/**
 * The same in a replay, whose champions are in no registry. Assets that were held out stay so; a holdout of the latest
 * readings, or of rows without a lasting number, is cut anew.
 */
export async function replayedHoldout(
  { objects }: Pick<Reads, "objects">,
  { unit, isByTime }: FrozenGiven,
  before: ObjectRef | null,
): Promise<FrozenHoldout> {
  if (before === null || unit !== "asset" || isByTime) return nothingFrozen();
  const split = await getDocument(objects, before, splitDocumentSchema);
  return sides(split.ids, split);
}

function nothingFrozen(): FrozenHoldout {
  return { frozen: new Set(), trainedBefore: new Set(), holdoutFrom: null };
}

function requireKeepable(before: SplitDocument, { model, unit, isByTime }: FrozenGiven): void {
  const wasByTime = before.holdoutFrom !== undefined;
  const text = (byTime: boolean, by: string) => (byTime ? "time" : by);
  if (wasByTime !== isByTime || (!isByTime && before.unit !== unit)) {
    throw cannotKeep(model, `it was cut by ${text(wasByTime, before.unit)}, now by ${text(isByTime, unit)}`);
  }
}

function cannotKeep(model: string, why: string): PlatformError {
  return new PlatformError(
    "conflict",
    `cut the split [${model}]: the model's frozen holdout cannot be kept out of training: ${why}; restore the split, or give the pipeline another model name`,
  );
}

function sides(ids: readonly string[], before: SplitDocument): FrozenHoldout {
  const [folds = []] = before.folds;
  return {
    frozen: new Set(ids.filter((_, i) => folds[i] === HOLDOUT_FOLD)),
    trainedBefore: new Set(ids.filter((_, i) => folds[i] !== HOLDOUT_FOLD)),
    holdoutFrom: null,
  };
}

/** Rows of other files have no lasting number: what counts as the same row has the same values in every column. */
async function matchedRows(
  deps: Reads,
  before: SplitDocument,
  given: { readonly model: string; readonly earlier: DatasetSource; readonly present: DatasetSource },
): Promise<FrozenHoldout> {
  const { model, earlier, present } = given;
  const describe = (source: DatasetSource) =>
    source.columns
      .map(({ name, type }) => `${name} (${type})`)
      .sort()
      .join(", ");
  if (describe(earlier) !== describe(present))
    throw cannotKeep(model, "the readings have other columns, so that its rows cannot be recognised");
  const keyed = async (source: DatasetSource) => {
    const columns = source.columns.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const values = columns.map(({ physical }) => quoteIdentifier(physical)).join(", ");
    return `SELECT __seq, hash(${values}) AS key FROM ${await deps.duckdb.parquet(await localParts(deps, source))}`;
  };
  const [folds = []] = before.folds;
  const held = folds.flatMap((fold, seq) => (fold === HOLDOUT_FOLD ? [seq] : []));
  const table = await deps.duckdb.columns(
    `SELECT p.__seq::DOUBLE AS seq, bool_or(e.is_held)::DOUBLE AS held FROM (${await keyed(present)}) p` +
      ` JOIN (SELECT key, __seq IN (SELECT unnest([${held.join(", ")}]::BIGINT[])) AS is_held FROM (${await keyed(earlier)})) e` +
      ` ON p.key = e.key GROUP BY p.__seq`,
  );
  const seqs = Array.from(table.columns["seq"] as Float64Array, String);
  const isHeld = table.columns["held"] as Float64Array;
  return {
    frozen: new Set(seqs.filter((_, i) => isHeld[i] === 1)),
    trainedBefore: new Set(seqs.filter((_, i) => isHeld[i] !== 1)),
    holdoutFrom: null,
  };
}
