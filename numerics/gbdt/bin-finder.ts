import { MISSING_BIN } from "./binning.ts";

/** Cells of the table; more than bins, so that most cells hold no border or one. */
const N_CELLS = 2048;

/**
 * Finds bins by a table of equal cells between the lowest and the highest border, where binary search takes eight
 * unforeseeable steps. Every border before a value's cell is below the value, because the cell of a value
 * never falls as the value rises; those of its own cell are compared.
 *
 * Gives the bins of `findBin`, exactly.
 */
export class BinFinder {
  readonly #bounds: Float64Array;
  readonly #lowest: number;
  readonly #scale: number;
  /** Borders that lie before a cell. */
  readonly #before: Uint16Array;

  /** @param bounds Float64Array (1 … 255), ascending, as `fitColumn` gives them */
  constructor(bounds: Float64Array) {
    this.#bounds = bounds;
    const nInner = bounds.length - 1;
    this.#lowest = nInner > 0 ? bounds[0] : 0;
    const width = nInner > 0 ? bounds[nInner - 1] - bounds[0] : 0;
    // Of borders too far apart, or equal to the last digit, one cell holds all.
    this.#scale =
      Number.isFinite(width) && width > 0 && Number.isFinite(N_CELLS / width) ? N_CELLS / width : 0;
    this.#before = new Uint16Array(N_CELLS + 2);
    for (let index = 0; index < nInner; index++) this.#before[this.#cellOf(bounds[index]) + 1] += 1;
    for (let cell = 1; cell < this.#before.length; cell++) this.#before[cell] += this.#before[cell - 1];
  }

  /** Bin of one value. */
  find(value: number): number {
    if (value !== value) return MISSING_BIN;
    const cell = this.#cellOf(value);
    const end = this.#before[cell + 1];
    let bin = this.#before[cell];
    while (bin < end && value > this.#bounds[bin]) bin++;
    return bin + 1;
  }

  #cellOf(value: number): number {
    const cell = (value - this.#lowest) * this.#scale;
    // Written so that values far outside, and 0 · ∞, end in the outer cells.
    return cell >= N_CELLS ? N_CELLS : cell > 0 ? Math.trunc(cell) : 0;
  }
}
