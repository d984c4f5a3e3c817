import type { Strip } from "../blocks.ts";
import { HISTOGRAM_BINS } from "../kernels/kernels.ts";
import { SPLIT_FIELDS } from "../layout.ts";
import type { SearchedNode } from "../splitting.ts";
import type { StepContext } from "./context.ts";

/** Where this thread's scratch holds what the scan of a node reads and writes: behind the batches of rows. */
const NODE_AT = 3072;
const NODE_DOUBLES = 12;
const FOUND_DOUBLES = 4;
/** A byte per column of a strip. */
const SEARCHED_AT = NODE_AT + 8 * (NODE_DOUBLES + FOUND_DOUBLES);

/** The search of a node in the columns of a strip by kernel: the splits that `scanFeature` finds, to the byte. */
export class NodeScan {
  readonly #context: StepContext;
  readonly #node: Float64Array;
  readonly #isSearched: Uint8Array;

  constructor(context: StepContext) {
    this.#context = context;
    const { buffer } = context.job.memory;
    this.#node = new Float64Array(buffer, context.scratch + NODE_AT, NODE_DOUBLES);
    this.#isSearched = new Uint8Array(buffer, context.scratch + SEARCHED_AT);
  }

  /**
   * Writes the splits of the columns that are asked for.
   *
   * @param isSearched by column of the strip
   */
  scan(
    { firstColumn, nColumns }: Strip,
    place: { readonly histogram: number; readonly child: 0 | 1 },
    {
      node,
      least,
      isSearched,
    }: {
      readonly node: SearchedNode;
      readonly least: number;
      readonly isSearched: (column: number) => boolean;
    },
  ): void {
    const { kernels, scratch, views } = this.#context;
    const { layout, sizes } = views;
    const { addresses } = layout;
    this.#write(node, least);
    for (let index = 0; index < nColumns; index++) {
      this.#isSearched[index] = isSearched(firstColumn + index) ? 1 : 0;
    }
    const cells = place.histogram * layout.histogramLength + firstColumn * HISTOGRAM_BINS * sizes.lanes;
    kernels.scanColumns?.(
      addresses.histograms + 8 * cells,
      nColumns,
      sizes.lanes,
      scratch + SEARCHED_AT,
      addresses.nValueBins + 4 * firstColumn,
      scratch + NODE_AT,
      scratch + NODE_AT + 8 * NODE_DOUBLES,
      addresses.splits + 8 * (place.child * sizes.nColumns + firstColumn) * SPLIT_FIELDS,
    );
  }

  #write({ packing, limits, count, gradient, hessian, score }: SearchedNode, least: number): void {
    const doubles = this.#node;
    doubles[0] = packing.countUnit;
    doubles[1] = 1 / packing.countUnit;
    doubles[2] = packing.gradientUnit;
    doubles[3] = packing.hessianUnit;
    doubles[4] = limits.lambdaL2;
    doubles[5] = limits.minDataInLeaf;
    doubles[6] = limits.minSumHessianInLeaf;
    doubles[7] = count;
    doubles[8] = gradient;
    doubles[9] = hessian;
    doubles[10] = score;
    doubles[11] = least;
  }
}
