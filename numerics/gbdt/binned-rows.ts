/**
 * Bins that one training made and another takes, where rows, columns and the settings of binning are the same: the
 * trials of a search differ in what is grown on the bins, and seldom in the bins.
 */
import type { TrainingViews } from "./layout.ts";

/** As they lie in the training's memory; shared, so that threads need no copy. */
export interface BinnedRows {
  readonly bins: Uint8Array;
  readonly columnBins: Uint8Array;
  readonly validationBins: Uint8Array;
  readonly upperBounds: Float64Array;
  readonly nValueBins: Int32Array;
}

/** A copy of what a training has binned. */
export function copyBins(views: TrainingViews): BinnedRows {
  const { bins, columnBins, validationBins, upperBounds, nValueBins } = views;
  return {
    bins: sharedCopy(bins, (buffer) => new Uint8Array(buffer)),
    columnBins: sharedCopy(columnBins, (buffer) => new Uint8Array(buffer)),
    validationBins: sharedCopy(validationBins, (buffer) => new Uint8Array(buffer)),
    upperBounds: sharedCopy(upperBounds, (buffer) => new Float64Array(buffer)),
    nValueBins: sharedCopy(nValueBins, (buffer) => new Int32Array(buffer)),
  };
}

function sharedCopy<T extends Uint8Array | Int32Array | Float64Array>(
  from: T,
  open: (buffer: SharedArrayBuffer) => T,
): T {
  const copy = open(new SharedArrayBuffer(from.byteLength));
  copy.set(from);
  return copy;
}

/**
 * Takes the bins of another training. Writes the views.
 *
 * @throws {RangeError} when they are of other rows or columns
 */
export function takeBins(views: TrainingViews, binned: BinnedRows): void {
  for (const name of ["bins", "columnBins", "validationBins", "upperBounds", "nValueBins"] as const) {
    const [to, from] = [views[name], binned[name]];
    if (to.length !== from.length)
      throw new RangeError(`binned.${name} must hold ${to.length} values, got ${from.length}`);
    to.set(from);
  }
}
