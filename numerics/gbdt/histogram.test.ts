import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import type { BinnedMatrix } from "./binning.ts";
import { accumulate, packGradients, subtractFrom, unpackSums } from "./histogram.ts";
import { createSplit, describeNode, scanFeature } from "./splitting.ts";

const N_ROWS = 500;
const N_FEATURES = 7;
const N_BINS = 16;
const generator = createGenerator("histogram");
const bins = Uint8Array.from({ length: N_ROWS * N_FEATURES }, () => generator.integer(N_BINS));
const binned: BinnedMatrix = { bins, nRows: N_ROWS, nFeatures: N_FEATURES };
const columns = Int32Array.from({ length: N_FEATURES }, (_, column) => column);
const gradients = Float64Array.from({ length: N_ROWS }, () => 100 * generator.normal());
const hessians = Float64Array.from({ length: N_ROWS }, () => generator.next() + 0.01);
const rows = Int32Array.from({ length: N_ROWS }, (_, row) => row);
const layouts = [
  { name: "one lane", given: null },
  { name: "two lanes", given: hessians },
];

describe.each(layouts)("histograms with $name", ({ given }) => {
  const packing = packGradients(gradients, given, rows);
  const count = (segment: { rows: Int32Array; begin: number; end: number }) => {
    const histogram = new Float64Array(N_FEATURES * N_BINS * packing.lanes);
    accumulate(histogram, { binned, columns, nBins: N_BINS }, segment, packing);
    return histogram;
  };
  const whole = count({ rows, begin: 0, end: N_ROWS });

  it("sums to the node's sums in every feature", () => {
    for (let feature = 0; feature < N_FEATURES; feature++) {
      let [first, second] = [0, 0];
      for (let bin = 0; bin < N_BINS; bin++) {
        const at = (feature * N_BINS + bin) * packing.lanes;
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

  it("counts some columns as it counts all", () => {
    const some = Int32Array.of(1, 2, 5);
    const histogram = new Float64Array(some.length * N_BINS * packing.lanes);
    const segment = { rows, begin: 0, end: N_ROWS };
    accumulate(histogram, { binned, columns: some, nBins: N_BINS }, segment, packing);
    const width = N_BINS * packing.lanes;
    some.forEach((column, index) => {
      const part = histogram.subarray(index * width, (index + 1) * width);
      expect(part).toEqual(whole.subarray(column * width, (column + 1) * width));
    });
  });

  it("does not depend on the order of rows", () => {
    const shuffled = createGenerator(2).shuffle(rows.slice());
    expect(count({ rows: shuffled, begin: 0, end: N_ROWS })).toEqual(whole);
  });

  it("gives the sibling by subtraction, exactly", () => {
    const parent = whole.slice();
    subtractFrom(parent, count({ rows, begin: 0, end: 180 }));
    expect(parent).toEqual(count({ rows, begin: 180, end: N_ROWS }));
  });

  it("finds the split that trying every one finds", () => {
    const limits = { lambdaL2: 0.5, minDataInLeaf: 20, minSumHessianInLeaf: 1e-3, minGainToSplit: 0 };
    for (let feature = 0; feature < N_FEATURES; feature++) {
      const best = createSplit();
      const totals = { first: 0, second: 0 };
      for (const row of rows) {
        totals.first += packing.rows[row * packing.lanes];
        if (packing.lanes === 2) totals.second += packing.rows[row * 2 + 1];
      }
      const offset = feature * N_BINS * packing.lanes;
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
        const bin = bins[row * N_FEATURES + feature];
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
