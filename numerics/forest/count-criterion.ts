/**
 * Drop of the variance of 0/1 targets that all count 1, for extra trees: what `variance-criterion.ts` does, by counting.
 *
 *   gain = aL²/nL + aR²/nR − a²/n      with n rows of which a are 1, left, right and in the node
 *
 * One byte a row is read where that needs 32: most of the time of extra trees is memory.
 */
import type { Split } from "../gbdt/splitting.ts";
import type { Criterion, CriterionOptions, NodeFeature, NodeRows } from "./criterion.ts";

/** Bins of a feature of which one border is tried: missing, left and right of it. */
const N_SIDES = 3;

/** Rows of a node and how many of them are 1. */
interface Counts {
  readonly rows: number;
  readonly ones: number;
}

export class CountCriterion implements Criterion {
  readonly width = 1;
  readonly #centre: number;
  readonly #minSamplesLeaf: number;
  readonly #all: Uint8Array;
  #targets: Uint8Array;
  /** Targets of the node entered, in its order: read again for every feature tried. */
  readonly #gathered: Uint8Array;
  #node: Counts = { rows: 0, ones: 0 };

  /** @param target 0 or 1 of all training rows, each drawn once or not at all, and what leaves are relative to */
  constructor(
    { values, centre }: { readonly values: Float64Array; readonly centre: number },
    { minSamplesLeaf }: CriterionOptions,
  ) {
    this.#centre = centre;
    this.#minSamplesLeaf = minSamplesLeaf;
    this.#all = Uint8Array.from(values);
    this.#targets = this.#all;
    this.#gathered = new Uint8Array(values.length);
  }

  focus(node: NodeRows | null): void {
    if (node === null) {
      this.#targets = this.#all;
      return;
    }
    const { rows, begin, end } = node;
    const picked = new Uint8Array(end - begin);
    for (let index = begin; index < end; index++) picked[index - begin] = this.#all[rows[index]];
    this.#targets = picked;
  }

  enter({ rows, begin, end }: NodeRows): number {
    const targets = this.#targets;
    const gathered = this.#gathered;
    let ones = 0;
    for (let index = begin; index < end; index++) {
      ones += gathered[index - begin] = targets[rows[index]];
    }
    const nRows = end - begin;
    this.#node = { rows: nRows, ones };
    const isPure = ones === 0 || ones === nRows;
    // Gains of a split that tells nothing apart are 0 to the last bits.
    return isPure || nRows < 2 * this.#minSamplesLeaf ? Infinity : 1e-12 * nRows;
  }

  tryBorder(node: NodeRows, { index, codes }: NodeFeature, border: number, best: Split): void {
    const nRows = node.end - node.begin;
    const gathered = this.#gathered;
    const above = border + 1;
    let [rows, ones] = [0, 0];
    for (let row = 0; row < nRows; row++) {
      // All bits set on the left of the border: the side of a row cannot be foreseen.
      const isLeft = (codes[row] - above) >> 31;
      rows -= isLeft;
      ones += gathered[row] & isLeft;
    }
    if (!this.#improves({ rows, ones }, best)) return;
    best.feature = index;
    best.bin = border;
    best.isMissingLeft = 2 * rows >= nRows;
  }

  /** Of one border as well: codes are 0 where missing, 1 on its left and 2 on its right. */
  scan(node: NodeRows, { index, nValueBins, codes }: NodeFeature, best: Split): void {
    const nRows = node.end - node.begin;
    const sides = Array.from({ length: N_SIDES }, () => ({ rows: 0, ones: 0 }));
    for (let row = 0; row < nRows; row++) {
      const side = sides[codes[row]];
      side.rows += 1;
      side.ones += this.#gathered[row];
    }
    const [missing, left] = sides;
    for (let last = 1; last <= nValueBins; last++) {
      const present =
        last === 1 ? left : { rows: nRows - missing.rows, ones: this.#node.ones - missing.ones };
      for (const isMissingLeft of [false, true]) {
        const rows = present.rows + (isMissingLeft ? missing.rows : 0);
        const ones = present.ones + (isMissingLeft ? missing.ones : 0);
        if (rows === nRows || !this.#improves({ rows, ones }, best)) continue;
        best.feature = index;
        best.bin = last;
        best.isMissingLeft = missing.rows > 0 ? isMissingLeft : 2 * rows >= nRows;
      }
    }
  }

  /** Notes the gain of a border where it is the best. */
  #improves({ rows, ones }: Counts, best: Split): boolean {
    const node = this.#node;
    const least = this.#minSamplesLeaf;
    if (rows < least || node.rows - rows < least) return false;
    const right = node.ones - ones;
    const gain =
      (ones * ones) / rows + (right * right) / (node.rows - rows) - (node.ones * node.ones) / node.rows;
    if (!(gain > best.gain)) return false;
    best.gain = gain;
    return true;
  }

  writeLeaf({ rows, begin, end }: NodeRows, values: Float64Array, at: number): void {
    let ones = 0;
    for (let index = begin; index < end; index++) ones += this.#targets[rows[index]];
    values[at] = ones / (end - begin) - this.#centre;
  }
}
