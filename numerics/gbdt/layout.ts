/**
 * Where everything of one training lies in its one shared memory. Every thread opens the same views, so that
 * a step of the training is a few numbers in a message and never a copy.
 */
import { binBytes, histogramColumns, planBlocks, planStrips } from "./blocks.ts";
import type { Strip } from "./blocks.ts";
import { HISTOGRAM_BINS, SCRATCH_BYTES } from "./kernels/kernels.ts";

/** Rows that one task of a row-wise step covers; fixed, so that sums by task do not depend on the threads. */
export const CHUNK_ROWS = 16_384;

/** What decides the size of a training's memory. */
export interface TrainingSizes {
  readonly nRows: number;
  readonly nValidationRows: number;
  readonly nColumns: number;
  /** Scores per row, and trees per round. */
  readonly nScores: number;
  /** 1 where the hessian is 1 for every row, else 2. */
  readonly lanes: 1 | 2;
  readonly numLeaves: number;
  readonly hasWeights: boolean;
  readonly hasCensored: boolean;
  readonly hasCategories: boolean;
  /** Rows that bin borders are found on. */
  readonly nSampled: number;
  readonly nThreads: number;
}

/** What a scan notes per column and child: gain, bin, missing left, and the packed sums of the left child. */
export const SPLIT_FIELDS = 5;

/** Typed views on the memory; see the table in `planLayout` for their shapes. */
export interface TrainingViews {
  readonly sizes: TrainingSizes;
  readonly layout: Layout;
  /** Row by row in blocks of columns: what histograms are counted from. */
  readonly bins: Uint8Array;
  /** Column by column: what rows are dealt out by. */
  readonly columnBins: Uint8Array;
  readonly upperBounds: Float64Array;
  readonly nValueBins: Int32Array;
  readonly rows: Int32Array;
  readonly leftRows: Int32Array;
  readonly rightRows: Int32Array;
  readonly packed: Float64Array;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
  readonly scores: Float64Array;
  readonly probabilities: Float64Array;
  readonly targets: Float64Array;
  readonly weights: Float64Array;
  readonly censored: Uint8Array;
  /** `ScoredRows.scale` of the training rows, and of the validation rows. */
  readonly scale: Float64Array;
  readonly validationScale: Float64Array;
  readonly isDrawn: Uint8Array;
  readonly isColumnDrawn: Uint8Array;
  /** Columns that either child's path may use. */
  readonly isColumnAllowed: Uint8Array;
  /** +1, −1 or 0 by column. */
  readonly monotone: Int32Array;
  /** 1 for columns of category codes. */
  readonly isCategorical: Uint8Array;
  readonly histograms: Float64Array;
  readonly splits: Float64Array;
  /** Bins that go left in the best split of a column of categories, 256 bytes per column and child. */
  readonly splitSides: Uint8Array;
  readonly chunkSums: Float64Array;
  /** Packed sums of the rows of a chunk, two per chunk. */
  readonly packedSums: Float64Array;
  /** SCRATCH_BYTES of each thread. */
  readonly scratch: Uint8Array;
  /** Raw rows that are being binned, row-major, and sampled values, column by column: only before the first tree, where later arrays lie. */
  readonly staged: Float64Array;
  readonly sample: Float64Array;
  /** Column by column. */
  readonly validationBins: Uint8Array;
  readonly validationScores: Float64Array;
  readonly validationTargets: Float64Array;
  readonly validationWeights: Float64Array;
  readonly validationCensored: Uint8Array;
  readonly treeFeature: Int32Array;
  /** 256 bytes per node: 1 for the bins that go left. */
  readonly treeSides: Uint8Array;
  readonly treeLeft: Int32Array;
  readonly treeRight: Int32Array;
  readonly treeValue: Float64Array;
  /** Leaves of a grown tree in pieces of at most a chunk: their node, their part of `rows`, two sums of it. */
  readonly pieceNode: Int32Array;
  readonly pieceBegin: Int32Array;
  readonly pieceEnd: Int32Array;
  readonly pieceSums: Float64Array;
}

type ViewName = Exclude<keyof TrainingViews, "sizes" | "layout">;
type LastingName = Exclude<ViewName, "staged" | "sample">;
interface ViewType {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): Uint8Array | Int32Array | Float64Array;
}

export interface Layout {
  /** Columns whose bins lie together. */
  readonly blocks: readonly Strip[];
  /** What threads share a node by: columns of one block. */
  readonly strips: readonly Strip[];
  /** Parts that the rows of a large node are cut into, so that no thread waits for another. */
  readonly nParts: number;
  readonly nChunks: number;
  readonly nValidationChunks: number;
  /** Doubles of one node's histogram. */
  readonly histogramLength: number;
  readonly nHistograms: number;
  /** Byte address of each array. */
  readonly addresses: Readonly<Record<ViewName, number>>;
  readonly lengths: Readonly<Record<ViewName, number>>;
  readonly nBytes: number;
}

/** With so many blocks per thread their columns are parts enough. */
const MANY_BLOCKS = 4;
/** Every array begins on a cache line. */
const ALIGNMENT = 64;
/** WebAssembly takes address 0 for an address too; nothing of ours lies there. */
const FIRST_ADDRESS = 1024;
/** 32-bit addresses. */
const MOST_BYTES = 2 ** 32;

const TYPES: Readonly<Record<ViewName, ViewType>> = {
  nValueBins: Int32Array,
  isCategorical: Uint8Array,
  upperBounds: Float64Array,
  bins: Uint8Array,
  columnBins: Uint8Array,
  rows: Int32Array,
  leftRows: Int32Array,
  rightRows: Int32Array,
  packed: Float64Array,
  gradients: Float64Array,
  hessians: Float64Array,
  scores: Float64Array,
  probabilities: Float64Array,
  targets: Float64Array,
  weights: Float64Array,
  censored: Uint8Array,
  scale: Float64Array,
  validationScale: Float64Array,
  isDrawn: Uint8Array,
  isColumnDrawn: Uint8Array,
  isColumnAllowed: Uint8Array,
  monotone: Int32Array,
  histograms: Float64Array,
  splits: Float64Array,
  splitSides: Uint8Array,
  chunkSums: Float64Array,
  packedSums: Float64Array,
  scratch: Uint8Array,
  validationBins: Uint8Array,
  validationScores: Float64Array,
  validationTargets: Float64Array,
  validationWeights: Float64Array,
  validationCensored: Uint8Array,
  treeFeature: Int32Array,
  treeSides: Uint8Array,
  treeLeft: Int32Array,
  treeRight: Int32Array,
  treeValue: Float64Array,
  pieceNode: Int32Array,
  pieceBegin: Int32Array,
  pieceEnd: Int32Array,
  pieceSums: Float64Array,
  staged: Float64Array,
  sample: Float64Array,
};

/**
 * Lays out a training.
 *
 * @throws {RangeError} when it does not fit into 4 GiB of addresses
 */
export function planLayout(sizes: TrainingSizes): Layout {
  const { nRows, nValidationRows, nColumns, nScores, lanes, numLeaves, nThreads } = sizes;
  const blocks = planBlocks(nColumns);
  const nParts = blocks.length >= MANY_BLOCKS * nThreads ? 1 : nThreads;
  const histogramLength = histogramColumns(nColumns) * HISTOGRAM_BINS * lanes;
  // One per open leaf, one for a child that is being counted, and one per part but the first.
  const nHistograms = numLeaves + nParts;
  const nChunks = Math.ceil(nRows / CHUNK_ROWS);
  const nValidationChunks = Math.ceil(nValidationRows / CHUNK_ROWS);
  const nNodes = 2 * numLeaves;
  const lengths: Record<LastingName, number> = {
    nValueBins: nColumns,
    isCategorical: nColumns,
    upperBounds: nColumns * HISTOGRAM_BINS,
    bins: binBytes(nRows, nColumns),
    columnBins: nRows * nColumns,
    rows: nRows,
    leftRows: nRows,
    rightRows: nRows,
    packed: nRows * lanes,
    gradients: nRows,
    hessians: nRows,
    scores: nScores * nRows,
    probabilities: nScores > 1 ? nScores * nRows : 0,
    targets: nRows,
    weights: sizes.hasWeights ? nRows : 0,
    censored: sizes.hasCensored ? nRows : 0,
    scale: 1,
    validationScale: 1,
    isDrawn: nRows,
    isColumnDrawn: nColumns,
    isColumnAllowed: 2 * nColumns,
    monotone: nColumns,
    histograms: nHistograms * histogramLength,
    splits: 2 * nColumns * SPLIT_FIELDS,
    splitSides: sizes.hasCategories ? 2 * nColumns * HISTOGRAM_BINS : 0,
    chunkSums: 2 * Math.max(nChunks, nValidationChunks, 1),
    packedSums: 2 * nChunks,
    scratch: nThreads * SCRATCH_BYTES,
    validationBins: nValidationRows * nColumns,
    validationScores: nScores * nValidationRows,
    validationTargets: nValidationRows,
    validationWeights: sizes.hasWeights ? nValidationRows : 0,
    validationCensored: sizes.hasCensored ? nValidationRows : 0,
    treeFeature: nNodes,
    treeSides: nNodes * HISTOGRAM_BINS,
    treeLeft: nNodes,
    treeRight: nNodes,
    treeValue: nNodes,
    pieceNode: numLeaves + nChunks,
    pieceBegin: numLeaves + nChunks,
    pieceEnd: numLeaves + nChunks,
    pieceSums: 2 * (numLeaves + nChunks),
  };
  let end = FIRST_ADDRESS;
  const addresses = {} as Record<ViewName, number>;
  for (const name of Object.keys(lengths) as LastingName[]) {
    addresses[name] = end;
    end = align(end + lengths[name] * TYPES[name].BYTES_PER_ELEMENT);
  }
  const passing = planPassing(sizes);
  addresses.staged = addresses.packed;
  addresses.sample = align(addresses.staged + 8 * passing.staged);
  end = Math.max(end, align(addresses.sample + 8 * passing.sample));
  if (end > MOST_BYTES) {
    throw new RangeError(
      `a training must fit into 4 GiB, got ${(end / 2 ** 30).toFixed(1)} GiB for ${nRows} rows × ${nColumns} columns, and ${((8 * lengths.histograms) / 2 ** 30).toFixed(1)} GiB of it for the histograms of numLeaves ${numLeaves}`,
    );
  }
  return {
    blocks,
    strips: planStrips(nColumns, nThreads),
    nParts,
    nChunks,
    nValidationChunks,
    histogramLength,
    nHistograms,
    addresses,
    lengths: { ...lengths, ...passing },
    nBytes: end,
  };
}

function align(address: number): number {
  return Math.ceil(address / ALIGNMENT) * ALIGNMENT;
}

/** Doubles of what is staged, and of what is sampled, at a time; at least one row, and one column. */
const STAGED_VALUES = 2 ** 20;
const SAMPLED_VALUES = 2 ** 23;

/** Lengths of the arrays that are used before the first tree only. */
function planPassing({ nColumns, nSampled }: TrainingSizes): Record<"staged" | "sample", number> {
  return {
    staged: stagedRows(nColumns) * nColumns,
    sample: Math.min(nColumns, sampledColumns(nSampled)) * nSampled,
  };
}

/** Rows that are staged at a time. */
export function stagedRows(nColumns: number): number {
  return Math.max(1, Math.floor(STAGED_VALUES / Math.max(1, nColumns)));
}

/** Columns whose sampled values are held at a time. */
export function sampledColumns(nSampled: number): number {
  return Math.max(1, Math.floor(SAMPLED_VALUES / Math.max(1, nSampled)));
}

/** Opens the views of a layout on its memory. */
export function openViews(buffer: ArrayBufferLike, sizes: TrainingSizes, layout: Layout): TrainingViews {
  const views = {} as Record<ViewName, unknown>;
  for (const name of Object.keys(TYPES) as ViewName[]) {
    views[name] = new TYPES[name](buffer, layout.addresses[name], layout.lengths[name]);
  }
  return { ...(views as Record<ViewName, never>), sizes, layout };
}
