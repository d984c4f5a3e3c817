/**
 * One border per feature, drawn evenly between the node's least and largest value as extra trees do (Geurts et al. 2006,
 * doi:10.1007/s10994-006-6226-1).
 *
 * Borders of tens of thousands of bins, 28 features wide, do not stay in a cache, and a search of them costs more than all
 * else that is done for a small node. Some knots of each feature do: between two of them borders count as evenly spaced.
 */
import { MISSING_BIN } from "../gbdt/binning.ts";
import type { Split } from "../gbdt/splitting.ts";
import type { Generator } from "../random/generator.ts";
import type { Criterion, NodeFeature, NodeRows } from "./criterion.ts";

/** Up to so many borders are all knots: the draw is even to the last digit. */
const MOST_BLOCKS = 256;

/**
 * Borders of one feature, thinned out: every 2^shift-th, and towards both ends, where values lie far apart, those at
 * distances 1, 2, 4 … from it.
 *
 *   border   0  1  2  4 … 2^shift  2 · 2^shift  …  last − 4  last − 2  last − 1  last
 */
export class BorderKnots {
  readonly #borders: Int32Array;
  /** Half of each knot's value: the whole way between two may overflow. */
  readonly #halves: Float64Array;
  readonly #shift: number;
  readonly #last: number;
  /** By block of 2^shift borders: the last knot at or before its first. */
  readonly #before: Int32Array;

  /** @param bounds ascending upper bounds of the bins, the last of which is no border */
  constructor(bounds: Float64Array) {
    this.#last = Math.max(0, bounds.length - 2);
    let shift = 0;
    while (this.#last >> shift >= MOST_BLOCKS) shift += 1;
    this.#shift = shift;
    const borders: number[] = [];
    for (let border = 0; border <= this.#last; border++) if (this.#isKnot(border)) borders.push(border);
    this.#borders = Int32Array.from(borders);
    this.#halves = Float64Array.from(borders, (border) => bounds[border] / 2);
    this.#before = new Int32Array((this.#last >> shift) + 1);
    let knot = 0;
    for (let block = 0; block < this.#before.length; block++) {
      while (borders[knot + 1] <= block << shift) knot += 1;
      this.#before[block] = knot;
    }
  }

  /**
   * The last bin of the left side: at least the lowest, below the highest.
   *
   * @param lowest below `highest`, both bins of values
   */
  draw(lowest: number, highest: number, generator: Generator): number {
    // Border i lies after bin i + 1.
    const [first, last] = [lowest - 1, highest - 2];
    if (first === last) return lowest;
    let left = this.#knotBefore(first);
    let right = this.#knotBefore(last);
    const low = this.#halfAt(first, left);
    const threshold = low + generator.next() * (this.#halfAt(last, right) - low);
    const halves = this.#halves;
    while (left < right) {
      const middle = (left + right + 1) >> 1;
      if (halves[middle] <= threshold) left = middle;
      else right = middle - 1;
    }
    const start = this.#borders[left];
    const width = halves[left + 1] - halves[left];
    const span = this.#borders[left + 1] - start;
    const border = width > 0 ? start + Math.floor(((threshold - halves[left]) / width) * span) : start;
    return 1 + Math.max(first, Math.min(last, border));
  }

  #isKnot(border: number): boolean {
    const fromEnd = Math.min(border, this.#last - border);
    const block = 1 << this.#shift;
    return fromEnd < block ? (fromEnd & (fromEnd - 1)) === 0 : (border & (block - 1)) === 0;
  }

  /** The last knot at or before a border. */
  #knotBefore(border: number): number {
    let knot = this.#before[border >> this.#shift];
    while (this.#borders[knot + 1] <= border) knot += 1;
    return knot;
  }

  #halfAt(border: number, knot: number): number {
    const start = this.#borders[knot];
    const from = this.#halves[knot];
    if (border === start) return from;
    return from + ((border - start) / (this.#borders[knot + 1] - start)) * (this.#halves[knot + 1] - from);
  }
}

interface BorderDraw {
  readonly criterion: Criterion;
  readonly generator: Generator;
  readonly knots: BorderKnots;
}

/** Improves `best` with one drawn border of one feature. */
export function tryDrawnBorder(node: NodeRows, feature: NodeFeature, draw: BorderDraw, best: Split): void {
  const { lowest, highest, hasMissing } = feature;
  if (highest === MISSING_BIN || (lowest === highest && !hasMissing)) return;
  if (hasMissing) tryWithMissing(node, feature, draw, best);
  else {
    const border = draw.knots.draw(lowest, highest, draw.generator);
    draw.criterion.tryBorder(node, feature, border, best);
  }
}

/** The bins on either side become one bin each, so that a criterion sees two and tries both ways for missing values. */
function tryWithMissing(node: NodeRows, feature: NodeFeature, draw: BorderDraw, best: Split): void {
  const { index, nValueBins, codes, lowest, highest } = feature;
  const border = lowest === highest ? highest : draw.knots.draw(lowest, highest, draw.generator);
  for (let row = 0; row < node.end - node.begin; row++) {
    if (codes[row] !== MISSING_BIN) codes[row] = codes[row] <= border ? 1 : 2;
  }
  const gainBefore = best.gain;
  // With one value only, all present rows are one bin and can part from the missing ones alone.
  const nBins = lowest === highest ? 1 : 2;
  const merged = { index, nValueBins: nBins, codes, lowest: 1, highest: nBins, hasMissing: true };
  draw.criterion.scan(node, merged, best);
  if (best.gain > gainBefore) best.bin = best.bin === nBins ? nValueBins : border;
}
