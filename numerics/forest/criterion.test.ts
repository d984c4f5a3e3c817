import { describe, expect, it } from "vitest";
import { createSplit } from "../gbdt/splitting.ts";
import { createGenerator } from "../random/generator.ts";
import { CountCriterion } from "./count-criterion.ts";
import { GiniCriterion } from "./gini-criterion.ts";
import { VarianceCriterion } from "./variance-criterion.ts";

const N_BINS = 40;

function rangeOf(codes: Uint16Array) {
  const present = codes.filter((code) => code > 0).sort();
  const hasMissing = present.length < codes.length;
  return { lowest: present[0], highest: present[present.length - 1], hasMissing };
}

/** Bins with missing ones, 0/1 targets that follow them, and a bootstrap of the rows. */
function createNode(nRows: number) {
  const generator = createGenerator(`criterion/${nRows}`);
  const bins = Uint16Array.from({ length: nRows }, () => generator.integer(N_BINS));
  const values = Float64Array.from(bins, (bin) => Number(generator.integer(N_BINS) < (bin === 0 ? 35 : bin)));
  const weights = Float64Array.from(bins, () => 0.5 + generator.next());
  const drawn = Int32Array.from(bins, () => generator.integer(nRows)).sort();
  const rows = Int32Array.from(new Set(drawn));
  return { bins, values, weights, drawn, rows };
}

describe.each([
  { name: "a small node", nRows: 20 },
  { name: "a large node", nRows: 300 },
])("criteria in $name", ({ nRows }) => {
  const { bins, values, weights, drawn, rows } = createNode(nRows);
  const node = { rows, begin: 0, end: rows.length };
  const options = { nBins: N_BINS, minSamplesLeaf: 2 };

  const search = (criterion: VarianceCriterion | GiniCriterion) => {
    const best = createSplit();
    best.gain = criterion.enter(node);
    const codes = Uint16Array.from(rows, (row) => bins[row]);
    criterion.scan(node, { ...rangeOf(codes), index: 3, nValueBins: N_BINS - 1, codes }, best);
    return best;
  };

  it.each([
    ["without weights", null],
    ["with weights", weights],
  ])("agree on two classes %s: Gini gains are twice those of the variance", (_name, given) => {
    const byVariance = search(new VarianceCriterion({ values, weights: given, centre: 0.4 }, drawn, options));
    const byGini = search(new GiniCriterion({ values, weights: given, nClasses: 2 }, drawn, options));
    expect(byVariance.feature).toBe(3);
    // The variance works on rounded sums: at least 30 bits of each row beside the total.
    expect(byGini.gain).toBeCloseTo(2 * byVariance.gain, 6);
    expect([byGini.bin, byGini.isMissingLeft]).toEqual([byVariance.bin, byVariance.isMissingLeft]);
  });

  it.each([
    ["without weights", null],
    ["with weights", weights],
  ])("try one border alike %s, as a search of its two sides does", (_name, given) => {
    const present = rows.filter((row) => bins[row] > 0);
    const inside = { rows: present, begin: 0, end: present.length };
    const codes = Uint16Array.from(present, (row) => bins[row]);
    const feature = { ...rangeOf(codes), index: 3, nValueBins: N_BINS - 1, codes };
    const two = Uint16Array.from(codes, (code) => (code <= 17 ? 1 : 2));
    const both = { ...rangeOf(two), index: 3, nValueBins: 2, codes: two };
    const [byVariance, byGini] = [
      new VarianceCriterion({ values, weights: given, centre: 0.4 }, drawn, options),
      new GiniCriterion({ values, weights: given, nClasses: 2 }, drawn, options),
    ].map((criterion) => {
      const [tried, searched] = [createSplit(), createSplit()];
      tried.gain = searched.gain = criterion.enter(inside);
      criterion.tryBorder(inside, feature, 17, tried);
      criterion.scan(inside, both, searched);
      expect(tried.bin).toBe(17);
      expect(tried.isMissingLeft).toBe(searched.isMissingLeft);
      // Squares are summed class by class here, and row by row there.
      expect(tried.gain).toBeCloseTo(searched.gain, 9);
      return tried;
    });
    expect(byGini?.gain).toBeCloseTo(2 * (byVariance?.gain ?? NaN), 6);
  });

  it("count rows as the variance weighs them, with missing rows and without", () => {
    const options1 = { minSamplesLeaf: 2 };
    const every = Int32Array.from(values, (_, row) => row);
    for (const inside of [every, every.filter((row) => bins[row] > 0)]) {
      const whole = { rows: inside, begin: 0, end: inside.length };
      const codes = Uint16Array.from(inside, (row) => bins[row] && (bins[row] <= 17 ? 1 : 2));
      const feature = { ...rangeOf(codes), index: 3, nValueBins: 2, codes };
      const [counted, weighed] = [
        new CountCriterion({ values, centre: 0.4 }, options1),
        new VarianceCriterion({ values, weights: null, centre: 0.4 }, every, options1),
      ].map((criterion) => {
        const best = createSplit();
        best.gain = criterion.enter(whole);
        if (feature.hasMissing) criterion.scan(whole, feature, best);
        else criterion.tryBorder(whole, feature, 1, best);
        const leaf = new Float64Array(1);
        criterion.writeLeaf(whole, leaf, 0);
        return { best, leaf };
      });
      expect(counted?.leaf[0]).toBeCloseTo(weighed?.leaf[0] ?? NaN, 12);
      expect(counted?.best.gain).toBeCloseTo(weighed?.best.gain ?? NaN, 6);
      const { feature: column, bin, isMissingLeft } = counted?.best ?? createSplit();
      expect(weighed?.best).toMatchObject({ feature: column, bin, isMissingLeft });
    }
  });

  it("answer the mean of the drawn rows", () => {
    const mean = drawn.reduce((sum, row) => sum + values[row], 0) / drawn.length;
    const written = new Float64Array(3);
    new VarianceCriterion({ values, weights: null, centre: 0.4 }, drawn, options).writeLeaf(node, written, 0);
    new GiniCriterion({ values, weights: null, nClasses: 2 }, drawn, options).writeLeaf(node, written, 1);
    expect(written[0]).toBeCloseTo(mean - 0.4, 12);
    expect(written[2]).toBeCloseTo(mean, 12);
  });

  it("never split what is too small", () => {
    const big = { ...options, minSamplesLeaf: nRows };
    expect(new VarianceCriterion({ values, weights: null, centre: 0 }, drawn, big).enter(node)).toBe(
      Infinity,
    );
    expect(new GiniCriterion({ values, weights: null, nClasses: 2 }, drawn, big).enter(node)).toBe(Infinity);
  });
});

const score = ([sum, weight]: readonly [number, number]) => (weight > 0 ? (sum * sum) / weight : 0);

describe("exact splits", () => {
  const nRows = 3000;
  const generator = createGenerator("exact");
  // A bin per row and a few missing: far more bins than runs.
  const codes = Uint16Array.from({ length: nRows }, (_, row) => (row % 50 === 0 ? 0 : row + 1));
  const values = Float64Array.from(codes, (code) => Number(code > 2970 || generator.next() < 0.02));
  const rows = Int32Array.from({ length: nRows }, (_, row) => row);
  const node = { rows, begin: 0, end: nRows };

  /** Largest drop of Σ (y − ȳ)² over every border and direction. */
  const bestByTrial = (weights: Float64Array | null): number => {
    const add = (sums: [number, number], row: number): [number, number] => {
      const weight = weights?.[row] ?? 1;
      return [sums[0] + weight * values[row], sums[1] + weight];
    };
    const total = [...rows].reduce<[number, number]>(add, [0, 0]);
    const missing = [...rows].filter((row) => codes[row] === 0).reduce<[number, number]>(add, [0, 0]);
    let best = 0;
    for (const start of [[0, 0] as [number, number], missing]) {
      let left = start;
      for (const row of rows) {
        if (codes[row] === 0) continue;
        left = add(left, row);
        const right: [number, number] = [total[0] - left[0], total[1] - left[1]];
        if (right[1] > 1e-9) best = Math.max(best, score(left) + score(right) - score(total));
      }
    }
    return best;
  };

  it.each([
    ["without weights", null],
    ["with weights", Float64Array.from({ length: nRows }, () => 0.5 + generator.next())],
  ])("of two values gain what trying every border does, %s", (_name, weights) => {
    const criterion = new VarianceCriterion({ values, weights, centre: 0.03 }, rows, { minSamplesLeaf: 1 });
    const best = createSplit();
    best.gain = criterion.enter(node);
    criterion.scan(node, { ...rangeOf(codes), index: 0, nValueBins: nRows, codes: codes.slice() }, best);
    // The sums are on a grid of 30 bits or more.
    expect(best.gain).toBeCloseTo(bestByTrial(weights), 6);
  });
});
