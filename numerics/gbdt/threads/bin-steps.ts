import { findBin, findCodeBin, fitCodes, fitColumn } from "../binning.ts";
import { BLOCK_COLUMNS, HISTOGRAM_BINS } from "../kernels/kernels.ts";
import type { RowRange } from "../objectives/objective.ts";
import { blockPlace } from "./context.ts";
import type { StepContext } from "./context.ts";

/** From raw values to bins. */
export class BinSteps {
  readonly #context: StepContext;

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** Task: a column. Arguments: sampled rows (which lie in `leftRows`), maxBin, minDataInBin. */
  fitBins(column: number): void {
    const { leftRows, upperBounds, nValueBins, isCategorical } = this.#context.views;
    const sampled = leftRows.subarray(0, this.#context.argument(0));
    const fit = isCategorical[column] === 1 ? fitCodes : fitColumn;
    const bounds = fit(this.#context.source, sampled, column, {
      maxBin: this.#context.argument(1),
      minDataInBin: this.#context.argument(2),
    });
    upperBounds.set(bounds, column * HISTOGRAM_BINS);
    nValueBins[column] = bounds.length;
  }

  binTraining(task: number): void {
    this.#binRows(this.#context.source.trainRows, this.#context.views.bins, this.#context.chunk(task));
  }

  binValidation(task: number): void {
    this.#binRows(
      this.#context.source.validationRows,
      this.#context.views.validationBins,
      this.#context.validationChunk(task),
    );
  }

  #binRows(rows: Int32Array, bins: Uint8Array, { begin, end }: RowRange): void {
    const { data, nColumns } = this.#context.source;
    const { upperBounds, nValueBins, isCategorical } = this.#context.views;
    for (let column = 0; column < nColumns; column++) {
      const from = column * HISTOGRAM_BINS;
      const bounds = upperBounds.subarray(from, from + nValueBins[column]);
      const place = blockPlace(column, rows.length);
      if (isCategorical[column] === 1) {
        for (let index = begin; index < end; index++) {
          bins[place + index * BLOCK_COLUMNS] = findCodeBin(data[rows[index] * nColumns + column], bounds);
        }
        continue;
      }
      for (let index = begin; index < end; index++) {
        bins[place + index * BLOCK_COLUMNS] = findBin(data[rows[index] * nColumns + column], bounds);
      }
    }
  }
}
