import { scanBothWays } from "../splitting.ts";
import type { FoundSplit, Search, SearchedNode } from "../splitting.ts";
import type { StepContext } from "./context.ts";

/** Where this thread's scratch holds what a scan reads and writes: behind the batches of rows. */
const ARGUMENTS_AT = 3072;
const LEAST_GAIN = 11;
const FOUND_AT = 12;
const N_DOUBLES = 17;

/** The search of `scanFeature` by kernel: the same splits, to the byte. */
export class KernelScan {
  readonly #context: StepContext;
  readonly #address: number;
  readonly #doubles: Float64Array;

  constructor(context: StepContext) {
    this.#context = context;
    this.#address = context.scratch + ARGUMENTS_AT;
    this.#doubles = new Float64Array(context.job.memory.buffer, this.#address, N_DOUBLES);
  }

  /** Called before the columns of a node are scanned. */
  begin({ packing, limits, count, gradient, hessian, score }: SearchedNode): void {
    const doubles = this.#doubles;
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
  }

  /** @param offset index of the column's bin 0, lane 0, in the histograms */
  scan(offset: number, search: Search): void {
    const { histograms, layout } = this.#context.views;
    const column = layout.addresses.histograms + 8 * offset;
    scanBothWays(histograms, offset, search, (last, isMissingLeft) =>
      this.#pass(column, last, { isMissingLeft, search }),
    );
  }

  #pass(
    column: number,
    last: number,
    { isMissingLeft, search }: { readonly isMissingLeft: boolean; readonly search: Search },
  ): FoundSplit | null {
    const { kernels } = this.#context;
    const doubles = this.#doubles;
    doubles[LEAST_GAIN] = search.best.gain;
    const scan = search.node.packing.lanes === 1 ? kernels.scanOne : kernels.scanTwo;
    if (scan === undefined) throw new Error("plain kernels have no scan");
    const bin = scan(column, last, isMissingLeft ? 1 : 0, this.#address, this.#address + 8 * FOUND_AT);
    if (bin === 0) return null;
    return {
      bin,
      gain: doubles[FOUND_AT + 1],
      count: doubles[FOUND_AT + 2],
      first: doubles[FOUND_AT + 3],
      second: doubles[FOUND_AT + 4],
    };
  }
}
