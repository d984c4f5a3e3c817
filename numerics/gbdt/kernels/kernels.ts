/**
 * The inner loops of boosting behind one interface: WebAssembly where it runs, plain TypeScript as the reference.
 * Both work on the training's one memory by byte address and give the same bytes.
 */
import { KERNELS_WASM } from "./kernels-wasm.ts";
import { createPlainKernels } from "./plain-kernels.ts";
import type { SharedMemory } from "./web-assembly.ts";

/** Bins of every column's histogram, the missing bin included. */
export const HISTOGRAM_BINS = 256;
/** What `addRows…` needs to itself on each thread. */
export const SCRATCH_BYTES = 4096;

/**
 * Adds rows[begin … end) to the histograms of neighbouring columns, in fours. Addresses are bytes into the training
 * memory; `bins` is that of the first column in row 0, `stride` the bytes of a row.
 */
export type AddRows = (
  histogram: number,
  bins: number,
  stride: number,
  rows: number,
  begin: number,
  end: number,
  packed: number,
  nQuads: number,
  scratch: number,
) => void;

/** Addresses are bytes into the training memory; counts are elements. */
export interface Kernels {
  /** Gradient and hessian lanes. */
  readonly addRowsTwo: AddRows;
  readonly addRowsOne: AddRows;
  /** target += source over `bytes`, a multiple of 16. */
  readonly addInto: (target: number, source: number, bytes: number) => void;
  /** parent −= child over `bytes`, a multiple of 16. */
  readonly subtractFrom: (parent: number, child: number, bytes: number) => void;
  /** Deals rows[begin … end) out to `left`, where `sides` holds 1 for their bin, and `right`; returns how many went left. */
  readonly partition: (
    column: number,
    rows: number,
    begin: number,
    end: number,
    sides: number,
    left: number,
    right: number,
  ) => number;
  /** Packs rows begin … end − 1 as packing.ts says, and adds them to the two doubles at `totals`. Scales are 1 / unit. */
  readonly packTwo: (
    gradients: number,
    hessians: number,
    packed: number,
    begin: number,
    end: number,
    gradientScale: number,
    hessianScale: number,
    countUnit: number,
    totals: number,
  ) => void;
  readonly packOne: (
    gradients: number,
    packed: number,
    begin: number,
    end: number,
    gradientScale: number,
    countUnit: number,
    totals: number,
  ) => void;
  /** Σ values[rows[begin … end)], in this order. */
  readonly sumListed: (values: number, rows: number, begin: number, end: number) => number;
  /** What LOG_LOSS derives, for rows begin … end − 1; `weights` is 0 where every weight is 1. */
  readonly deriveLogLoss: (
    scores: number,
    targets: number,
    weights: number,
    gradients: number,
    hessians: number,
    begin: number,
    end: number,
  ) => void;
  /**
   * scanFeature for neighbouring columns, written to their `splits`; `node` and `found` are addresses of doubles that
   * node-scan.ts lists. Absent in the plain kind, where scanFeature is the search.
   */
  readonly scanColumns?: (
    histogram: number,
    nColumns: number,
    lanes: number,
    isSearched: number,
    nValueBins: number,
    node: number,
    found: number,
    splits: number,
  ) => void;
  /** values[rows[begin … end)] += step. */
  readonly addToListed: (values: number, rows: number, begin: number, end: number, step: number) => void;
}

export type KernelKind = "wasm" | "plain";

/**
 * @param memory shared by all threads of the training
 * @param kind   "plain" for the reference, which tests compare with
 */
export function createKernels(memory: SharedMemory, kind: KernelKind): Kernels {
  if (kind === "plain") return createPlainKernels(memory.buffer);
  return new WebAssembly.Instance(compiled(), { env: { memory } }).exports as unknown as Kernels;
}

let module: WebAssembly.Module | undefined;

/** Compiled once a thread: a module is fast only after some calls, and keeps what it was optimised to. */
function compiled(): WebAssembly.Module {
  module ??= new WebAssembly.Module(Uint8Array.from(atob(KERNELS_WASM), (char) => char.charCodeAt(0)));
  return module;
}
