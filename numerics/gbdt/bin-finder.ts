import { MISSING_BIN } from "./binning.ts";

/** Cells of the table at least; more than bins, so that most cells hold no border or one. */
const LEAST_CELLS = 2048;
/** Borders of one cell that are compared one after the other. */
const FEW_BORDERS = 8;

/**
 * Finds bins by a table of equal cells between the lowest and the highest border, where binary search takes eight
 * unforeseeable steps. Every border before a value's cell is below the value, because the cell of a value
 * never falls as the value rises; those of its own cell are compared, by halves where they are many.
 *
 * Gives the bins of `findBin`, exactly.
 */
export class BinFinder {
  readonly #bounds: Float64Array;
  readonly #lowest: number;
  readonly #scale: number;
  /** Borders that lie before a cell. */
  readonly #before: Uint16Array;
  readonly #nCells: number;

  /** @param bounds Float64Array (1 … 65 535), ascending, as `fitColumn` gives them */
  constructor(bounds: Float64Array) {
    this.#bounds = bounds;
    const nCells = Math.max(LEAST_CELLS, bounds.length);
    this.#nCells = nCells;
    const nInner = bounds.length - 1;
    this.#lowest = nInner > 0 ? bounds[0] : 0;
    const width = nInner > 0 ? bounds[nInner - 1] - bounds[0] : 0;
    // Of borders too far apart, or equal to the last digit, one cell holds all.
    this.#scale = Number.isFinite(width) && width > 0 && Number.isFinite(nCells / width) ? nCells / width : 0;
    this.#before = new Uint16Array(nCells + 2);
    for (let index = 0; index < nInner; index++) this.#before[this.#cellOf(bounds[index]) + 1] += 1;
    for (let cell = 1; cell < this.#before.length; cell++) this.#before[cell] += this.#before[cell - 1];
  }

  /** Bin of one value. */
  find(value: number): number {
    if (value !== value) return MISSING_BIN;
    const cell = this.#cellOf(value);
    let end = this.#before[cell + 1];
    let bin = this.#before[cell];
    while (end - bin > FEW_BORDERS) {
      const middle = (bin + end) >>> 1;
      if (value > this.#bounds[middle]) bin = middle + 1;
      else end = middle;
    }
    while (bin < end && value > this.#bounds[bin]) bin++;
    return bin + 1;
  }

  #cellOf(value: number): number {
    const cell = (value - this.#lowest) * this.#scale;
    // Written so that values far outside, and 0 · ∞, end in the outer cells.
    return cell >= this.#nCells ? this.#nCells : cell > 0 ? Math.trunc(cell) : 0;
  }
}
