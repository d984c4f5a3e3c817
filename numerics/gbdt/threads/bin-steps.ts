import { BinFinder } from "../bin-finder.ts";
import { findCodeBin, fitCodes, fitColumn } from "../binning.ts";
import { binPlace, strideOf } from "../blocks.ts";
import { HISTOGRAM_BINS } from "../kernels/kernels.ts";
import type { RowRange } from "../objectives/objective.ts";
import type { StepContext } from "./context.ts";

/** Staged rows of one task: few enough that their values stay in the second-level cache for all columns. */
export const TILE_ROWS = 512;

/** From raw values to bins. */
export class BinSteps {
  readonly #context: StepContext;
  #finders: readonly ((value: number) => number)[] = [];

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** Task: a column of the sample. Arguments: sampled rows, maxBin, minDataInBin, first column of the sample. */
  fitBins(task: number): void {
    const { sample, upperBounds, nValueBins, isCategorical } = this.#context.views;
    const nSampled = this.#context.argument(0);
    const column = this.#context.argument(3) + task;
    const fit = isCategorical[column] === 1 ? fitCodes : fitColumn;
    const bounds = fit(sample.subarray(task * nSampled, (task + 1) * nSampled), {
      maxBin: this.#context.argument(1),
      minDataInBin: this.#context.argument(2),
    });
    upperBounds.set(bounds, column * HISTOGRAM_BINS);
    nValueBins[column] = bounds.length;
  }

  /** Task: a tile of the staged rows. Arguments: staged rows, index of the first among the training rows. */
  binTraining(task: number): void {
    const { columnBins, bins, sizes } = this.#context.views;
    const { begin, end } = this.#binTile(task, columnBins, sizes.nRows);
    for (let column = 0; column < sizes.nColumns; column++) {
      const place = binPlace(column, sizes.nRows);
      const stride = strideOf(column, sizes.nColumns);
      const from = column * sizes.nRows;
      for (let row = begin; row < end; row++) bins[place + row * stride] = columnBins[from + row];
    }
  }

  /** Task: a tile of the staged rows. Arguments: staged rows, index of the first among the validation rows. */
  binValidation(task: number): void {
    const { validationBins, sizes } = this.#context.views;
    this.#binTile(task, validationBins, sizes.nValidationRows);
  }

  /** Bins a tile column by column; returns its rows. */
  #binTile(task: number, bins: Uint8Array, nRows: number): RowRange {
    const { staged, sizes } = this.#context.views;
    const { nColumns } = sizes;
    const first = task * TILE_ROWS;
    const last = Math.min(first + TILE_ROWS, this.#context.argument(0));
    const offset = this.#context.argument(1);
    if (this.#finders.length === 0) this.#finders = this.#createFinders();
    for (let column = 0; column < nColumns; column++) {
      const find = this.#finders[column];
      const place = column * nRows + offset;
      for (let row = first; row < last; row++) bins[place + row] = find(staged[row * nColumns + column]);
    }
    return { begin: offset + first, end: offset + last };
  }

  #createFinders(): readonly ((value: number) => number)[] {
    const { upperBounds, nValueBins, isCategorical, sizes } = this.#context.views;
    return Array.from({ length: sizes.nColumns }, (_, column) => {
      const from = column * HISTOGRAM_BINS;
      const bounds = upperBounds.subarray(from, from + nValueBins[column]);
      if (isCategorical[column] === 1) return (value: number) => findCodeBin(value, bounds);
      const finder = new BinFinder(bounds);
      return (value: number) => finder.find(value);
    });
  }
}
