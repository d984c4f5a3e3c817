import { scanCategories } from "../categorical-scan.ts";
import { scanConstrained } from "../constrained-scan.ts";
import { binPlace, QUAD_COLUMNS, quadsOf, strideOf } from "../blocks.ts";
import type { Strip } from "../blocks.ts";
import { HISTOGRAM_BINS } from "../kernels/kernels.ts";
import { CHUNK_ROWS, SPLIT_FIELDS } from "../layout.ts";
import type { RowRange } from "../objectives/objective.ts";
import { createSplit, describeNode, leastGain, scanFeature } from "../splitting.ts";
import type { SearchedNode } from "../splitting.ts";
import { DOUBLES } from "./context.ts";
import type { StepContext } from "./context.ts";
import { NodeScan } from "./node-scan.ts";

/** What grows a tree: rows dealt out to children, histograms, and the search for splits. */
export class SplitSteps {
  readonly #context: StepContext;
  readonly #best = createSplit();
  /** null where the reference searches, and where outputs are bounded or penalised. */
  readonly #nodeScan: NodeScan | null;

  constructor(context: StepContext) {
    this.#context = context;
    const isPlain = context.kernels.scanColumns === undefined || context.job.isConstrained;
    this.#nodeScan = isPlain ? null : new NodeScan(context);
  }

  /** Task: a chunk of a node's rows. Arguments: begin, end, column, node. Notes how many went left. */
  partition(task: number): void {
    const { layout, sizes, chunkSums } = this.#context.views;
    const { addresses } = layout;
    const begin = this.#context.argument(0) + task * CHUNK_ROWS;
    const end = Math.min(begin + CHUNK_ROWS, this.#context.argument(1));
    chunkSums[task] = this.#context.kernels.partition(
      addresses.columnBins + this.#context.argument(2) * sizes.nRows,
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
   * Task: a part of a node's rows in one block, part-major. Arguments: histogram, begin, end, parts, first spare
   * histogram. Part 0 goes to the histogram itself, the others to spare ones.
   */
  count(task: number): void {
    const { blocks } = this.#context.views.layout;
    const part = Math.floor(task / blocks.length);
    const first = this.#context.argument(1);
    const nRows = this.#context.argument(2) - first;
    const nParts = this.#context.argument(3);
    const histogram = part === 0 ? this.#context.argument(0) : this.#context.argument(4) + part - 1;
    this.#countStrip(histogram, blocks[task % blocks.length], {
      begin: first + Math.floor((nRows * part) / nParts),
      end: first + Math.floor((nRows * (part + 1)) / nParts),
    });
  }

  #countStrip(histogram: number, strip: Strip, { begin, end }: RowRange): void {
    if (!this.#isDrawn(strip)) return;
    const { layout, sizes, histograms } = this.#context.views;
    const { bins, rows, packed } = layout.addresses;
    const { kernels, scratch } = this.#context;
    const { firstColumn } = strip;
    const address = this.#addressOf(histogram, strip);
    histograms.fill(0, (address - layout.addresses.histograms) / 8, this.#endOf(histogram, strip));
    const add = sizes.lanes === 2 ? kernels.addRowsTwo : kernels.addRowsOne;
    const column = bins + binPlace(firstColumn, sizes.nRows);
    const stride = strideOf(firstColumn, sizes.nColumns);
    add(address, column, stride, rows, begin, end, packed, quadsOf(strip), scratch);
  }

  /** Byte address of a strip in a histogram. */
  #addressOf(histogram: number, { firstColumn }: Strip): number {
    const { layout, sizes } = this.#context.views;
    const place = histogram * layout.histogramLength + firstColumn * HISTOGRAM_BINS * sizes.lanes;
    return layout.addresses.histograms + 8 * place;
  }

  /** Doubles of all histograms up to the end of a strip in one. */
  #endOf(histogram: number, strip: Strip): number {
    const { layout } = this.#context.views;
    return (this.#addressOf(histogram, strip) - layout.addresses.histograms + this.#bytesOf(strip)) / 8;
  }

  #bytesOf(strip: Strip): number {
    return quadsOf(strip) * QUAD_COLUMNS * HISTOGRAM_BINS * this.#context.views.sizes.lanes * 8;
  }

  /** Whether a strip holds a column that this tree may use. */
  #isDrawn({ firstColumn, nColumns }: Strip): boolean {
    const { isColumnDrawn } = this.#context.views;
    for (let column = firstColumn; column < firstColumn + nColumns; column++) {
      if (isColumnDrawn[column] === 1) return true;
    }
    return false;
  }

  /**
   * Task: a strip. Arguments: smaller child's histogram, begin, end, parts, first spare histogram, parent's
   * histogram or −1, whether the smaller and the larger child are searched. Counts the smaller child (unless
   * its parts were counted before), makes the parent's histogram the larger child's, and searches both.
   */
  findSplits(task: number): void {
    const strip = this.#context.views.layout.strips[task];
    if (!this.#isDrawn(strip)) return;
    const nBytes = this.#bytesOf(strip);
    const smaller = this.#context.argument(0);
    const nParts = this.#context.argument(3);
    const parent = this.#context.argument(5);
    if (nParts === 1)
      this.#countStrip(smaller, strip, { begin: this.#context.argument(1), end: this.#context.argument(2) });
    for (let part = 1; part < nParts; part++) {
      const spare = this.#addressOf(this.#context.argument(4) + part - 1, strip);
      this.#context.kernels.addInto(this.#addressOf(smaller, strip), spare, nBytes);
    }
    if (this.#context.argument(7) === 1) {
      const [whole, child] = [this.#addressOf(parent, strip), this.#addressOf(smaller, strip)];
      this.#context.kernels.subtractFrom(whole, child, nBytes);
      this.#scanStrip(strip, 1, parent);
    }
    if (this.#context.argument(6) === 1) this.#scanStrip(strip, 0, smaller);
  }

  #scanStrip(strip: Strip, child: 0 | 1, histogram: number): void {
    const { isColumnDrawn, isCategorical } = this.#context.views;
    const first = this.#context.double(child === 0 ? DOUBLES.smallerFirst : DOUBLES.largerFirst);
    const second = this.#context.double(child === 0 ? DOUBLES.smallerSecond : DOUBLES.largerSecond);
    const node = describeNode({ first, second }, this.#context.packing, this.#context.job.limits);
    const least = leastGain(node, this.#context.job.limits);
    const byKernel = (column: number) =>
      this.#nodeScan !== null && isCategorical[column] === 0 && this.#isAllowed(column, child);
    this.#nodeScan?.scan(strip, { histogram, child }, { node, least, isSearched: byKernel });
    for (let column = strip.firstColumn; column < strip.firstColumn + strip.nColumns; column++) {
      if (isColumnDrawn[column] === 0 || byKernel(column)) continue;
      this.#scanColumn(column, { histogram, child }, { node, least });
    }
  }

  /** Whether a column is drawn for this tree and may stand on the child's path. */
  #isAllowed(column: number, child: 0 | 1): boolean {
    const { isColumnDrawn, isColumnAllowed, sizes } = this.#context.views;
    return isColumnDrawn[column] === 1 && isColumnAllowed[child * sizes.nColumns + column] === 1;
  }

  #scanColumn(
    column: number,
    { histogram, child }: { readonly histogram: number; readonly child: 0 | 1 },
    { node, least }: { readonly node: SearchedNode; readonly least: number },
  ): void {
    const { layout, sizes, splits } = this.#context.views;
    const best = this.#best;
    best.feature = -1;
    best.gain = least;
    const offset = histogram * layout.histogramLength + column * HISTOGRAM_BINS * sizes.lanes;
    if (this.#isAllowed(column, child)) this.#scan(offset, column, child, node);
    const place = (child * sizes.nColumns + column) * SPLIT_FIELDS;
    splits[place] = best.feature < 0 ? -1 : best.gain;
    splits[place + 1] = best.bin;
    splits[place + 2] = best.isMissingLeft ? 1 : 0;
    splits[place + 3] = best.leftFirst;
    splits[place + 4] = best.leftSecond;
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
