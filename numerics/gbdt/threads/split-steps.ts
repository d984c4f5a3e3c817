import { scanCategories } from "../categorical-scan.ts";
import { scanConstrained } from "../constrained-scan.ts";
import { BLOCK_COLUMNS, HISTOGRAM_BINS } from "../kernels/kernels.ts";
import { CHUNK_ROWS, SPLIT_FIELDS } from "../layout.ts";
import type { RowRange } from "../objectives/objective.ts";
import { createSplit, describeNode, leastGain, scanFeature } from "../splitting.ts";
import type { SearchedNode } from "../splitting.ts";
import { blockPlace, DOUBLES } from "./context.ts";
import type { StepContext } from "./context.ts";

/** What grows a tree: rows dealt out to children, histograms, and the search for splits. */
export class SplitSteps {
  readonly #context: StepContext;
  readonly #best = createSplit();

  constructor(context: StepContext) {
    this.#context = context;
  }

  /** Task: a chunk of a node's rows. Arguments: begin, end, column, node. Notes how many went left. */
  partition(task: number): void {
    const { layout, sizes, chunkSums } = this.#context.views;
    const { addresses } = layout;
    const begin = this.#context.argument(0) + task * CHUNK_ROWS;
    const end = Math.min(begin + CHUNK_ROWS, this.#context.argument(1));
    chunkSums[task] = this.#context.kernels.partition(
      addresses.bins + blockPlace(this.#context.argument(2), sizes.nRows),
      addresses.rows,
      begin,
      end,
      addresses.treeSides + this.#context.argument(3) * HISTOGRAM_BINS,
      addresses.leftRows + begin * 4,
      addresses.rightRows + begin * 4,
    );
  }

  /** Task: the same chunk, to where its rows belong. Arguments as for partition; chunkSums are complete. */
  place(task: number): void {
    const { rows, leftRows, rightRows, chunkSums } = this.#context.views;
    const first = this.#context.argument(0);
    const last = this.#context.argument(1);
    const begin = first + task * CHUNK_ROWS;
    const end = Math.min(begin + CHUNK_ROWS, last);
    let nLeftBefore = 0;
    let nLeft = 0;
    for (let chunk = 0; chunk * CHUNK_ROWS < last - first; chunk++) {
      if (chunk < task) nLeftBefore += chunkSums[chunk];
      nLeft += chunkSums[chunk];
    }
    const nLeftHere = chunkSums[task];
    const nRightBefore = task * CHUNK_ROWS - nLeftBefore;
    rows.set(leftRows.subarray(begin, begin + nLeftHere), first + nLeftBefore);
    rows.set(rightRows.subarray(begin, end - nLeftHere), first + nLeft + nRightBefore);
  }

  /**
   * Task: a part of a block's rows, part-major. Arguments: histogram, begin, end, parts, first spare histogram.
   * Part 0 goes to the histogram itself, the others to spare ones.
   */
  count(task: number): void {
    const { nBlocks } = this.#context.views.layout;
    const part = Math.floor(task / nBlocks);
    const block = task % nBlocks;
    const first = this.#context.argument(1);
    const nRows = this.#context.argument(2) - first;
    const nParts = this.#context.argument(3);
    const histogram = part === 0 ? this.#context.argument(0) : this.#context.argument(4) + part - 1;
    this.#countBlock(histogram, block, {
      begin: first + Math.floor((nRows * part) / nParts),
      end: first + Math.floor((nRows * (part + 1)) / nParts),
    });
  }

  #countBlock(histogram: number, block: number, { begin, end }: RowRange): void {
    if (!this.#isBlockDrawn(block)) return;
    const { layout, sizes, histograms } = this.#context.views;
    const { addresses, histogramLength } = layout;
    const length = BLOCK_COLUMNS * HISTOGRAM_BINS * sizes.lanes;
    const from = histogram * histogramLength + block * length;
    histograms.fill(0, from, from + length);
    const nColumns = sizes.nColumns - block * BLOCK_COLUMNS;
    const kernels = this.#context.kernels;
    const isWide = nColumns > BLOCK_COLUMNS / 2;
    const add =
      sizes.lanes === 2
        ? isWide
          ? kernels.addEightTwo
          : kernels.addFourTwo
        : isWide
          ? kernels.addEightOne
          : kernels.addFourOne;
    add(
      addresses.histograms + from * 8,
      addresses.bins + block * sizes.nRows * BLOCK_COLUMNS,
      addresses.rows,
      begin,
      end,
      addresses.packed,
    );
  }

  /** Whether a block holds a column that this tree may use. */
  #isBlockDrawn(block: number): boolean {
    const { isColumnDrawn, sizes } = this.#context.views;
    const end = Math.min(sizes.nColumns, (block + 1) * BLOCK_COLUMNS);
    for (let column = block * BLOCK_COLUMNS; column < end; column++) {
      if (isColumnDrawn[column] === 1) return true;
    }
    return false;
  }

  /**
   * Task: a block. Arguments: smaller child's histogram, begin, end, parts, first spare histogram, parent's
   * histogram or −1, whether the smaller and the larger child are searched. Counts the smaller child (unless
   * its parts were counted before), makes the parent's histogram the larger child's, and searches both.
   */
  findSplits(block: number): void {
    if (!this.#isBlockDrawn(block)) return;
    const { layout, sizes } = this.#context.views;
    const nBytes = BLOCK_COLUMNS * HISTOGRAM_BINS * sizes.lanes * 8;
    const smaller = this.#context.argument(0);
    const nParts = this.#context.argument(3);
    const parent = this.#context.argument(5);
    const address = (histogram: number) =>
      layout.addresses.histograms + histogram * layout.histogramLength * 8 + block * nBytes;
    if (nParts === 1)
      this.#countBlock(smaller, block, { begin: this.#context.argument(1), end: this.#context.argument(2) });
    for (let part = 1; part < nParts; part++) {
      this.#context.kernels.addInto(address(smaller), address(this.#context.argument(4) + part - 1), nBytes);
    }
    if (this.#context.argument(7) === 1) {
      this.#context.kernels.subtractFrom(address(parent), address(smaller), nBytes);
      this.#scanBlock(block, 1, parent);
    }
    if (this.#context.argument(6) === 1) this.#scanBlock(block, 0, smaller);
  }

  #scanBlock(block: number, child: 0 | 1, histogram: number): void {
    const { layout, sizes, splits, isColumnDrawn, isColumnAllowed } = this.#context.views;
    const first = this.#context.double(child === 0 ? DOUBLES.smallerFirst : DOUBLES.largerFirst);
    const second = this.#context.double(child === 0 ? DOUBLES.smallerSecond : DOUBLES.largerSecond);
    const node = describeNode({ first, second }, this.#context.packing, this.#context.job.limits);
    const least = leastGain(node, this.#context.job.limits);
    const best = this.#best;
    const end = Math.min(sizes.nColumns, (block + 1) * BLOCK_COLUMNS);
    for (let column = block * BLOCK_COLUMNS; column < end; column++) {
      if (isColumnDrawn[column] === 0) continue;
      best.feature = -1;
      best.gain = least;
      const offset = histogram * layout.histogramLength + column * HISTOGRAM_BINS * sizes.lanes;
      if (isColumnAllowed[child * sizes.nColumns + column] === 1) this.#scan(offset, column, child, node);
      const place = (child * sizes.nColumns + column) * SPLIT_FIELDS;
      splits[place] = best.feature < 0 ? -1 : best.gain;
      splits[place + 1] = best.bin;
      splits[place + 2] = best.isMissingLeft ? 1 : 0;
      splits[place + 3] = best.leftFirst;
      splits[place + 4] = best.leftSecond;
    }
  }

  #scan(offset: number, column: number, child: 0 | 1, node: SearchedNode): void {
    const { histograms, nValueBins, monotone, isCategorical, splitSides, sizes } = this.#context.views;
    const feature = { index: column, nValueBins: nValueBins[column], monotone: monotone[column] };
    if (isCategorical[column] === 1) {
      const place = (child * sizes.nColumns + column) * HISTOGRAM_BINS;
      const sides = splitSides.subarray(place, place + HISTOGRAM_BINS);
      scanCategories(
        histograms,
        offset,
        feature,
        { node, limits: this.#context.job.categories, sides },
        this.#best,
      );
      return;
    }
    if (!this.#context.job.isConstrained) {
      scanFeature(histograms, offset, feature, node, this.#best);
      return;
    }
    const lowest = this.#context.double(child === 0 ? DOUBLES.smallerLowest : DOUBLES.largerLowest);
    const highest = this.#context.double(child === 0 ? DOUBLES.smallerHighest : DOUBLES.largerHighest);
    scanConstrained(histograms, offset, feature, { node, bounds: { lowest, highest } }, this.#best);
  }
}
