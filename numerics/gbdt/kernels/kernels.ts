/**
 * The inner loops of boosting behind one interface: WebAssembly where it runs, plain TypeScript as the reference.
 * Both work on the training's one memory by byte address and give the same bytes.
 */
import { KERNELS_WASM } from "./kernels-wasm.ts";
import { createPlainKernels } from "./plain-kernels.ts";
import type { SharedMemory } from "./web-assembly.ts";

/** Columns of a block: their bins of one row are 8 adjacent bytes. */
export const BLOCK_COLUMNS = 8;
/** Bins of every column's histogram, the missing bin included. */
export const HISTOGRAM_BINS = 256;

/** Adds rows[begin … end) of a block to its histogram. Addresses are bytes into the training memory. */
export type AddRows = (
  histogram: number,
  bins: number,
  rows: number,
  begin: number,
  end: number,
  packed: number,
) => void;

/** Addresses are bytes into the training memory; counts are elements. */
export interface Kernels {
  /** 8 columns, gradient and hessian lanes. */
  readonly addEightTwo: AddRows;
  /** The first 4 columns of a block. */
  readonly addFourTwo: AddRows;
  /** 8 columns, one lane. */
  readonly addEightOne: AddRows;
  readonly addFourOne: AddRows;
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
}

export type KernelKind = "wasm" | "plain";

/**
 * @param memory shared by all threads of the training
 * @param kind   "plain" for the reference, which tests compare with
 */
export function createKernels(memory: SharedMemory, kind: KernelKind): Kernels {
  if (kind === "plain") return createPlainKernels(memory.buffer);
  const module = new WebAssembly.Module(Uint8Array.from(atob(KERNELS_WASM), (char) => char.charCodeAt(0)));
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
}
