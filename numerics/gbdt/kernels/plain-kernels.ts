import { exponential } from "./exponential.ts";
import type { AddRows, Kernels } from "./kernels.ts";

const BINS = 256;
const QUAD = 4;

/** The kernels without WebAssembly: the reference, and the meaning, of `assembly/kernels.ts`. */
export function createPlainKernels(buffer: ArrayBufferLike): Kernels {
  const bytes = new Uint8Array(buffer);
  const ints = new Int32Array(buffer);
  const doubles = new Float64Array(buffer, 0, Math.floor(buffer.byteLength / 8));

  // The kernel interface is flat numbers, as WebAssembly wants it.
  /* oxlint-disable max-params */
  const addRows = (lanes: number): AddRows =>
    function add(histogram, bins, stride, rows, begin, end, packed, nQuads) {
      for (let index = begin; index < end; index++) {
        const row = ints[rows / 4 + index];
        const value = packed / 8 + row * lanes;
        for (let column = 0; column < nQuads * QUAD; column++) {
          const bin = bytes[bins + row * stride + column];
          const cell = histogram / 8 + (column * BINS + bin) * lanes;
          for (let lane = 0; lane < lanes; lane++) doubles[cell + lane] += doubles[value + lane];
        }
      }
    };

  return {
    addRowsTwo: addRows(2),
    addRowsOne: addRows(1),
    addInto(target, source, nBytes) {
      for (let at = 0; at < nBytes / 8; at++) doubles[target / 8 + at] += doubles[source / 8 + at];
    },
    subtractFrom(parent, child, nBytes) {
      for (let at = 0; at < nBytes / 8; at++) doubles[parent / 8 + at] -= doubles[child / 8 + at];
    },
    partition(column, rows, begin, end, sides, left, right) {
      let nLeft = 0;
      let nRight = 0;
      for (let index = begin; index < end; index++) {
        const row = ints[rows / 4 + index];
        if (bytes[sides + bytes[column + row]] === 1) ints[left / 4 + nLeft++] = row;
        else ints[right / 4 + nRight++] = row;
      }
      return nLeft;
    },
    packTwo(gradients, hessians, packed, begin, end, gradientScale, hessianScale, countUnit, totals) {
      let first = 0;
      let second = 0;
      for (let row = begin; row < end; row++) {
        const gradient = Math.floor(doubles[gradients / 8 + row] * gradientScale + 0.5);
        const hessian = Math.floor(doubles[hessians / 8 + row] * hessianScale + 0.5) * countUnit + 1;
        doubles[packed / 8 + 2 * row] = gradient;
        doubles[packed / 8 + 2 * row + 1] = hessian;
        first += gradient;
        second += hessian;
      }
      doubles[totals / 8] += first;
      doubles[totals / 8 + 1] += second;
    },
    packOne(gradients, packed, begin, end, gradientScale, countUnit, totals) {
      let total = 0;
      for (let row = begin; row < end; row++) {
        const value = Math.floor(doubles[gradients / 8 + row] * gradientScale + 0.5) * countUnit + 1;
        doubles[packed / 8 + row] = value;
        total += value;
      }
      doubles[totals / 8] += total;
    },
    deriveLogLoss(scores, targets, weights, gradients, hessians, begin, end) {
      for (let row = begin; row < end; row++) {
        const weight = weights === 0 ? 1 : doubles[weights / 8 + row];
        const probability = 1 / (1 + exponential(-doubles[scores / 8 + row]));
        doubles[gradients / 8 + row] = weight * (probability - doubles[targets / 8 + row]);
        doubles[hessians / 8 + row] = weight * probability * (1 - probability);
      }
    },
    sumListed(values, rows, begin, end) {
      let total = 0;
      for (let index = begin; index < end; index++) total += doubles[values / 8 + ints[rows / 4 + index]];
      return total;
    },
    addToListed(values, rows, begin, end, step) {
      for (let index = begin; index < end; index++) doubles[values / 8 + ints[rows / 4 + index]] += step;
    },
  };
}
