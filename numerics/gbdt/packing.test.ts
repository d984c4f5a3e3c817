import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { WORD_COLUMNS } from "./blocks.ts";
import { createKernels, HISTOGRAM_BINS } from "./kernels/kernels.ts";
import { packGradients, unpackSums } from "./packing.ts";
import { createSplit, describeNode, scanFeature } from "./splitting.ts";

const N_ROWS = 500;
const N_FEATURES = 7;
const N_BINS = 16;
const generator = createGenerator("histogram");
const bins = Uint8Array.from({ length: N_ROWS * WORD_COLUMNS }, () => generator.integer(N_BINS));
const gradients = Float64Array.from({ length: N_ROWS }, () => 100 * generator.normal());
const hessians = Float64Array.from({ length: N_ROWS }, () => generator.next() + 0.01);
const rows = Int32Array.from({ length: N_ROWS }, (_, row) => row);
const layouts = [
  { name: "one lane", given: null },
  { name: "two lanes", given: hessians },
].flatMap((layout) => (["plain", "wasm"] as const).map((kind) => ({ ...layout, kind })));

describe.each(layouts)("histograms with $name, $kind kernels", ({ given, kind }) => {
  const packing = packGradients(gradients, given, rows);
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
  const kernels = createKernels(memory, kind);
  const addresses = {
    bins: 1024,
    rows: 8192,
    packed: 16_384,
    histogram: 32_768,
    other: 98_304,
    scratch: 24_576,
  };
  new Uint8Array(memory.buffer).set(bins, addresses.bins);
  new Float64Array(memory.buffer).set(packing.rows, addresses.packed / 8);
  const length = WORD_COLUMNS * HISTOGRAM_BINS * packing.lanes;
  const read = (address: number) => new Float64Array(memory.buffer, address, length);
  const add = (address: number, { begin, end }: { begin: number; end: number }, nQuads: number) => {
    const kernel = packing.lanes === 2 ? kernels.addRowsTwo : kernels.addRowsOne;
    kernel(
      address,
      addresses.bins,
      WORD_COLUMNS,
      addresses.rows,
      begin,
      end,
      addresses.packed,
      nQuads,
      addresses.scratch,
    );
  };
  const count = (
    segment: { rows: Int32Array; begin: number; end: number },
    address = addresses.histogram,
  ) => {
    new Int32Array(memory.buffer).set(segment.rows, addresses.rows / 4);
    read(address).fill(0);
    add(address, segment, 2);
    return Float64Array.from(read(address));
  };
  const whole = count({ rows, begin: 0, end: N_ROWS });

  it("sums to the node's sums in every feature", () => {
    for (let feature = 0; feature < N_FEATURES; feature++) {
      let [first, second] = [0, 0];
      for (let bin = 0; bin < N_BINS; bin++) {
        const at = (feature * HISTOGRAM_BINS + bin) * packing.lanes;
        first += whole[at];
        second += packing.lanes === 2 ? whole[at + 1] : 0;
      }
      const sums = { gradient: 0, hessian: 0, count: 0 };
      unpackSums(packing, first, second, sums);
      expect(sums.count).toBe(N_ROWS);
      // The grid keeps at least 30 bits of each gradient beside the total.
      expect(sums.gradient).toBeCloseTo(
        gradients.reduce((sum, value) => sum + value, 0),
        4,
      );
      expect(sums.hessian).toBeCloseTo(
        (given ?? new Float64Array(N_ROWS).fill(1)).reduce((sum, value) => sum + value, 0),
        6,
      );
    }
  });

  it("counts the first four columns as it counts eight", () => {
    read(addresses.histogram).fill(0);
    add(addresses.histogram, { begin: 0, end: N_ROWS }, 1);
    const expected = whole.slice().fill(0, length / 2);
    expect(Float64Array.from(read(addresses.histogram))).toEqual(expected);
  });

  it("does not depend on the order of rows", () => {
    const shuffled = createGenerator(2).shuffle(rows.slice());
    expect(count({ rows: shuffled, begin: 0, end: N_ROWS })).toEqual(whole);
  });

  it("gives the sibling by subtraction, exactly", () => {
    count({ rows, begin: 0, end: N_ROWS });
    count({ rows, begin: 0, end: 180 }, addresses.other);
    kernels.subtractFrom(addresses.histogram, addresses.other, length * 8);
    const sibling = Float64Array.from(read(addresses.histogram));
    kernels.addInto(addresses.histogram, addresses.other, length * 8);
    expect(Float64Array.from(read(addresses.histogram))).toEqual(whole);
    expect(sibling).toEqual(count({ rows, begin: 180, end: N_ROWS }));
  });

  it("finds the split that trying every one finds", () => {
    const limits = {
      lambdaL1: 0,
      lambdaL2: 0.5,
      minDataInLeaf: 20,
      minSumHessianInLeaf: 1e-3,
      minGainToSplit: 0,
    };
    for (let feature = 0; feature < N_FEATURES; feature++) {
      const best = createSplit();
      const totals = { first: 0, second: 0 };
      for (const row of rows) {
        totals.first += packing.rows[row * packing.lanes];
        if (packing.lanes === 2) totals.second += packing.rows[row * 2 + 1];
      }
      const offset = feature * HISTOGRAM_BINS * packing.lanes;
      scanFeature(
        whole,
        offset,
        { index: feature, nValueBins: N_BINS - 1 },
        describeNode(totals, packing, limits),
        best,
      );
      expect(best.gain).toBeCloseTo(bestGainByTrial(feature, given, limits), 3);
    }
  });
});

/** The equation of `scanFeature`, tried on every border and direction with plain sums. */
function bestGainByTrial(
  feature: number,
  given: Float64Array | null,
  limits: { lambdaL2: number; minDataInLeaf: number },
): number {
  let best = 0;
  for (let border = 1; border < N_BINS; border++) {
    for (const isMissingLeft of [false, true]) {
      const sums = { leftG: 0, leftH: 0, leftN: 0, rightG: 0, rightH: 0, rightN: 0 };
      for (const row of rows) {
        const bin = bins[row * WORD_COLUMNS + feature];
        const isLeft = bin === 0 ? isMissingLeft : bin <= border;
        sums[isLeft ? "leftG" : "rightG"] += gradients[row];
        sums[isLeft ? "leftH" : "rightH"] += given?.[row] ?? 1;
        sums[isLeft ? "leftN" : "rightN"] += 1;
      }
      if (Math.min(sums.leftN, sums.rightN) < limits.minDataInLeaf) continue;
      const score = (gradient: number, hessian: number) => gradient ** 2 / (hessian + limits.lambdaL2);
      const parent = score(sums.leftG + sums.rightG, sums.leftH + sums.rightH);
      best = Math.max(best, score(sums.leftG, sums.leftH) + score(sums.rightG, sums.rightH) - parent);
    }
  }
  return best;
}
