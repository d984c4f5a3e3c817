import type { AddRows, Kernels } from "./kernels.ts";

const BLOCK = 8;
const BINS = 256;

/** The kernels without WebAssembly: the reference, and the meaning, of `assembly/kernels.ts`. */
export function createPlainKernels(buffer: ArrayBufferLike): Kernels {
  const bytes = new Uint8Array(buffer);
  const ints = new Int32Array(buffer);
  const doubles = new Float64Array(buffer, 0, Math.floor(buffer.byteLength / 8));

  const addRows = (nColumns: number, lanes: number): AddRows =>
    function add(histogram, bins, rows, begin, end, packed) {
      for (let index = begin; index < end; index++) {
        const row = ints[rows / 4 + index];
        const value = packed / 8 + row * lanes;
        for (let column = 0; column < nColumns; column++) {
          const bin = bytes[bins + row * BLOCK + column];
          const cell = histogram / 8 + (column * BINS + bin) * lanes;
          for (let lane = 0; lane < lanes; lane++) doubles[cell + lane] += doubles[value + lane];
        }
      }
    };

  return {
    addEightTwo: addRows(8, 2),
    addFourTwo: addRows(4, 2),
    addEightOne: addRows(8, 1),
    addFourOne: addRows(4, 1),
    addInto(target, source, nBytes) {
      for (let at = 0; at < nBytes / 8; at++) doubles[target / 8 + at] += doubles[source / 8 + at];
    },
    subtractFrom(parent, child, nBytes) {
      for (let at = 0; at < nBytes / 8; at++) doubles[parent / 8 + at] -= doubles[child / 8 + at];
    },
    // The kernel interface is flat numbers, as WebAssembly wants it.
    // oxlint-disable-next-line max-params
    partition(column, rows, begin, end, sides, left, right) {
      let nLeft = 0;
      let nRight = 0;
      for (let index = begin; index < end; index++) {
        const row = ints[rows / 4 + index];
        if (bytes[sides + bytes[column + row * BLOCK]] === 1) ints[left / 4 + nLeft++] = row;
        else ints[right / 4 + nRight++] = row;
      }
      return nLeft;
    },
  };
}
