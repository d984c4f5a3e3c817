/**
 * The inner loops of boosting in AssemblyScript, compiled to WebAssembly by `npm run kernels`.
 *
 * Same arguments, same memory and same bytes as `plain-kernels.ts`, which is the reference: a test compares them.
 * What WebAssembly adds is two doubles per instruction (gradient and hessian·2^C + count are added at once), a
 * partition without branches, which a processor cannot foresee here, and rows that are fetched before they are
 * needed: a node's rows lie anywhere, a fetch takes as long as a hundred additions, and a processor looks
 * only two rows ahead. So a batch of rows is copied first, with nothing to wait for in between, and added then.
 *
 * A block has up to 32 columns: bins[row · stride + column] of uint8, hist[(column · 256 + bin) · lanes] of float64.
 */

// Bytes of one column's histogram.
const ONE: usize = 256 * 8;
const TWO: usize = 256 * 16;
/** Rows of a batch, and the bytes of one: 32 of bins and its packed lanes. */
const BATCH: i32 = 64;
const RECORD: usize = 48;
const LANES: usize = 32;

function addTwo(histogram: usize, bin: u64, v: v128): void {
  const cell = histogram + ((<usize>(bin & 255)) << 4);
  v128.store(cell, f64x2.add(v128.load(cell), v));
}

function addOne(histogram: usize, bin: u64, v: f64): void {
  const cell = histogram + ((<usize>(bin & 255)) << 3);
  store<f64>(cell, load<f64>(cell) + v);
}

function addQuadTwo(cell: usize, w: u64, v: v128): void {
  addTwo(cell, w, v);
  addTwo(cell + TWO, w >> 8, v);
  addTwo(cell + 2 * TWO, w >> 16, v);
  addTwo(cell + 3 * TWO, w >> 24, v);
}

@inline
function addBatchesTwo(
  histogram: usize,
  bins: usize,
  stride: usize,
  rows: usize,
  begin: i32,
  end: i32,
  packed: usize,
  nQuads: i32,
  scratch: usize,
): void {
  for (let from = begin; from < end; from += BATCH) {
    const n = min(BATCH, end - from);
    let record = scratch;
    for (let index = from; index < from + n; index++) {
      const row = <usize>load<i32>(rows + ((<usize>index) << 2));
      const source = bins + row * stride;
      v128.store(record, v128.load(source));
      if (nQuads > 4) v128.store(record, v128.load(source, 16), 16);
      v128.store(record, v128.load(packed + (row << 4)), LANES);
      record += RECORD;
    }
    record = scratch;
    for (let index = 0; index < n; index++) {
      const v = v128.load(record, LANES);
      addQuadTwo(histogram, load<u64>(record), v);
      if (nQuads > 1) addQuadTwo(histogram + 4 * TWO, load<u64>(record) >> 32, v);
      if (nQuads > 2) addQuadTwo(histogram + 8 * TWO, load<u64>(record, 8), v);
      if (nQuads > 3) addQuadTwo(histogram + 12 * TWO, load<u64>(record, 8) >> 32, v);
      if (nQuads > 4) addQuadTwo(histogram + 16 * TWO, load<u64>(record, 16), v);
      if (nQuads > 5) addQuadTwo(histogram + 20 * TWO, load<u64>(record, 16) >> 32, v);
      if (nQuads > 6) addQuadTwo(histogram + 24 * TWO, load<u64>(record, 24), v);
      if (nQuads > 7) addQuadTwo(histogram + 28 * TWO, load<u64>(record, 24) >> 32, v);
      record += RECORD;
    }
  }
}

/**
 * Adds the listed rows to the histograms of neighbouring columns, two lanes. A loop of its own for every width, because
 * one that counts words loses a tenth.
 *
 * @param bins    address of the first column's byte of row 0
 * @param stride  bytes of a row
 * @param nQuads  columns, in fours, 1 … 8
 * @param scratch 3 KiB of this thread
 */
export function addRowsTwo(
  histogram: usize,
  bins: usize,
  stride: usize,
  rows: usize,
  begin: i32,
  end: i32,
  packed: usize,
  nQuads: i32,
  scratch: usize,
): void {
  switch (nQuads) {
    case 1:
      addBatchesTwo(histogram, bins, stride, rows, begin, end, packed, 1, scratch);
      break;
    case 2:
      addBatchesTwo(histogram, bins, stride, rows, begin, end, packed, 2, scratch);
      break;
    case 3:
      addBatchesTwo(histogram, bins, stride, rows, begin, end, packed, 3, scratch);
      break;
    case 4:
      addBatchesTwo(histogram, bins, stride, rows, begin, end, packed, 4, scratch);
      break;
    case 5:
      addBatchesTwo(histogram, bins, stride, rows, begin, end, packed, 5, scratch);
      break;
    case 6:
      addBatchesTwo(histogram, bins, stride, rows, begin, end, packed, 6, scratch);
      break;
    case 7:
      addBatchesTwo(histogram, bins, stride, rows, begin, end, packed, 7, scratch);
      break;
    default:
      addBatchesTwo(histogram, bins, stride, rows, begin, end, packed, 8, scratch);
  }
}

function addQuadOne(cell: usize, w: u64, v: f64): void {
  addOne(cell, w, v);
  addOne(cell + ONE, w >> 8, v);
  addOne(cell + 2 * ONE, w >> 16, v);
  addOne(cell + 3 * ONE, w >> 24, v);
}

@inline
function addBatchesOne(
  histogram: usize,
  bins: usize,
  stride: usize,
  rows: usize,
  begin: i32,
  end: i32,
  packed: usize,
  nQuads: i32,
  scratch: usize,
): void {
  for (let from = begin; from < end; from += BATCH) {
    const n = min(BATCH, end - from);
    let record = scratch;
    for (let index = from; index < from + n; index++) {
      const row = <usize>load<i32>(rows + ((<usize>index) << 2));
      const source = bins + row * stride;
      v128.store(record, v128.load(source));
      if (nQuads > 4) v128.store(record, v128.load(source, 16), 16);
      store<f64>(record, load<f64>(packed + (row << 3)), LANES);
      record += RECORD;
    }
    record = scratch;
    for (let index = 0; index < n; index++) {
      const v = load<f64>(record, LANES);
      addQuadOne(histogram, load<u64>(record), v);
      if (nQuads > 1) addQuadOne(histogram + 4 * ONE, load<u64>(record) >> 32, v);
      if (nQuads > 2) addQuadOne(histogram + 8 * ONE, load<u64>(record, 8), v);
      if (nQuads > 3) addQuadOne(histogram + 12 * ONE, load<u64>(record, 8) >> 32, v);
      if (nQuads > 4) addQuadOne(histogram + 16 * ONE, load<u64>(record, 16), v);
      if (nQuads > 5) addQuadOne(histogram + 20 * ONE, load<u64>(record, 16) >> 32, v);
      if (nQuads > 6) addQuadOne(histogram + 24 * ONE, load<u64>(record, 24), v);
      if (nQuads > 7) addQuadOne(histogram + 28 * ONE, load<u64>(record, 24) >> 32, v);
      record += RECORD;
    }
  }
}

/** The same with one lane. */
export function addRowsOne(
  histogram: usize,
  bins: usize,
  stride: usize,
  rows: usize,
  begin: i32,
  end: i32,
  packed: usize,
  nQuads: i32,
  scratch: usize,
): void {
  switch (nQuads) {
    case 1:
      addBatchesOne(histogram, bins, stride, rows, begin, end, packed, 1, scratch);
      break;
    case 2:
      addBatchesOne(histogram, bins, stride, rows, begin, end, packed, 2, scratch);
      break;
    case 3:
      addBatchesOne(histogram, bins, stride, rows, begin, end, packed, 3, scratch);
      break;
    case 4:
      addBatchesOne(histogram, bins, stride, rows, begin, end, packed, 4, scratch);
      break;
    case 5:
      addBatchesOne(histogram, bins, stride, rows, begin, end, packed, 5, scratch);
      break;
    case 6:
      addBatchesOne(histogram, bins, stride, rows, begin, end, packed, 6, scratch);
      break;
    case 7:
      addBatchesOne(histogram, bins, stride, rows, begin, end, packed, 7, scratch);
      break;
    default:
      addBatchesOne(histogram, bins, stride, rows, begin, end, packed, 8, scratch);
  }
}

/** target[i] += source[i] over `bytes`, a multiple of 16. */
export function addInto(target: usize, source: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(target + at, f64x2.add(v128.load(target + at), v128.load(source + at)));
  }
}

/** parent[i] −= child[i] over `bytes`, a multiple of 16. */
export function subtractFrom(parent: usize, child: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(parent + at, f64x2.sub(v128.load(parent + at), v128.load(child + at)));
  }
}

/**
 * Deals rows[begin … end) out to `left` and `right`, both in their order. `column` is the address of the
 * bins of one column, `sides` of 256 bytes that hold 1 for the bins that go left.
 *
 * @returns how many went left
 */
export function partition(
  column: usize,
  rows: usize,
  begin: i32,
  end: i32,
  sides: usize,
  left: usize,
  right: usize,
): i32 {
  let nLeft: usize = 0;
  let nRight: usize = 0;
  for (let index = begin; index < end; index++) {
    const row = load<i32>(rows + ((<usize>index) << 2));
    const goesLeft = <usize>load<u8>(sides + <usize>load<u8>(column + <usize>row));
    store<i32>(left + (nLeft << 2), row);
    store<i32>(right + (nRight << 2), row);
    nLeft += goesLeft;
    nRight += 1 - goesLeft;
  }
  return <i32>nLeft;
}

/**
 * Packs rows begin … end − 1, two lanes: ⌊g·G + ½⌋ and ⌊h·H + ½⌋ · C + 1; adds them to the two doubles at `totals`.
 *
 * @param gradientScale G, a power of two
 * @param hessianScale  H, a power of two
 * @param countUnit     C
 */
export function packTwo(
  gradients: usize,
  hessians: usize,
  packed: usize,
  begin: i32,
  end: i32,
  gradientScale: f64,
  hessianScale: f64,
  countUnit: f64,
  totals: usize,
): void {
  const half = f64x2.splat(0.5);
  const scales = f64x2.replace_lane(f64x2.splat(gradientScale), 1, hessianScale);
  const units = f64x2.replace_lane(f64x2.splat(1), 1, countUnit);
  const ones = f64x2.replace_lane(f64x2.splat(0), 1, 1);
  let total = f64x2.splat(0);
  for (let row = <usize>begin; row < <usize>end; row++) {
    const pair = f64x2.replace_lane(f64x2.splat(load<f64>(gradients + (row << 3))), 1, load<f64>(hessians + (row << 3)));
    const whole = f64x2.floor(f64x2.add(f64x2.mul(pair, scales), half));
    const value = f64x2.add(f64x2.mul(whole, units), ones);
    v128.store(packed + (row << 4), value);
    total = f64x2.add(total, value);
  }
  v128.store(totals, f64x2.add(v128.load(totals), total));
}

/** One lane: ⌊g·G + ½⌋ · C + 1; added to the double at `totals`. */
export function packOne(
  gradients: usize,
  packed: usize,
  begin: i32,
  end: i32,
  gradientScale: f64,
  countUnit: f64,
  totals: usize,
): void {
  let total: f64 = 0;
  for (let row = <usize>begin; row < <usize>end; row++) {
    const value = Math.floor(load<f64>(gradients + (row << 3)) * gradientScale + 0.5) * countUnit + 1;
    store<f64>(packed + (row << 3), value);
    total += value;
  }
  store<f64>(totals, load<f64>(totals) + total);
}

/** Σ values[rows[begin … end)], in this order. */
export function sumListed(values: usize, rows: usize, begin: i32, end: i32): f64 {
  let total: f64 = 0;
  for (let index = begin; index < end; index++) {
    total += load<f64>(values + ((<usize>load<i32>(rows + ((<usize>index) << 2))) << 3));
  }
  return total;
}

/** values[rows[begin … end)] += step. */
export function addToListed(values: usize, rows: usize, begin: i32, end: i32, step: f64): void {
  for (let index = begin; index < end; index++) {
    const at = values + ((<usize>load<i32>(rows + ((<usize>index) << 2))) << 3);
    store<f64>(at, load<f64>(at) + step);
  }
}

/**
 * scanFeature for neighbouring columns of numbers, each by itself.
 *
 * @param histogram address of the first column's bin 0
 * @param nColumns  columns
 * @param lanes     1 or 2
 * @param isSearched address of a byte per column: 0 for those that are left alone
 * @param nValueBins address of an i32 per column
 * @param node address of twelve doubles: countUnit, 1 / countUnit, gradientUnit, hessianUnit, lambdaL2, minDataInLeaf,
 *   minSumHessianInLeaf, count, gradient, hessian, score, and the gain that must be exceeded; the last is used as scratch
 * @param found address of four doubles of scratch
 * @param splits address of five doubles per column: gain or −1, bin, whether missing rows go left, packed sums of the left
 */
export function scanColumns(
  histogram: usize,
  nColumns: i32,
  lanes: i32,
  isSearched: usize,
  nValueBins: usize,
  node: usize,
  found: usize,
  splits: usize,
): void {
  const countUnit = load<f64>(node);
  const inverseUnit = load<f64>(node, 8);
  const nodeCount = load<f64>(node, 56);
  const leastGain = load<f64>(node, 88);
  const width: usize = lanes == 2 ? TWO : ONE;
  for (let column = 0; column < nColumns; column++) {
    if (!load<u8>(isSearched + <usize>column)) continue;
    const cells = histogram + <usize>column * width;
    const split = splits + <usize>column * 40;
    const nBins = load<i32>(nValueBins + ((<usize>column) << 2));
    const packed = load<f64>(cells + (lanes == 2 ? 8 : 0));
    const missingCount = packed - Math.floor(packed * inverseUnit) * countUnit;
    const hasMissing = missingCount > 0;
    const last = hasMissing ? nBins : nBins - 1;
    store<f64>(split, -1);
    store<f64>(node, leastGain, 88);
    for (let isMissingLeft = 0; isMissingLeft <= (hasMissing ? 1 : 0); isMissingLeft++) {
      const bin =
        lanes == 2
          ? scanTwo(cells, last, isMissingLeft, node, found)
          : scanOne(cells, last, isMissingLeft, node, found);
      if (bin == 0) continue;
      const gain = load<f64>(found);
      const count = load<f64>(found, 8);
      // With only missing rows to the right, no value may join them: not even one beyond this node's.
      const isAllPresentLeft = hasMissing && !isMissingLeft && count == nodeCount - missingCount;
      const goesLeft = hasMissing ? isMissingLeft == 1 : 2 * count >= nodeCount;
      store<f64>(split, gain);
      store<f64>(split, <f64>(isAllPresentLeft ? nBins : bin), 8);
      store<f64>(split, goesLeft ? 1 : 0, 16);
      store<f64>(split, load<f64>(found, 16), 24);
      store<f64>(split, load<f64>(found, 24), 32);
      store<f64>(node, gain, 88);
    }
  }
  store<f64>(node, leastGain, 88);
}

/** e^x as exponential.ts has it. */
function exponential(x: v128): v128 {
  const clipped = f64x2.pmin(f64x2.splat(700), f64x2.pmax(f64x2.splat(-700), x));
  const k = f64x2.floor(f64x2.add(f64x2.mul(clipped, f64x2.splat(1.4426950408889634)), f64x2.splat(0.5)));
  const r = f64x2.sub(
    f64x2.sub(clipped, f64x2.mul(k, f64x2.splat(6.9314718036912382e-1))),
    f64x2.mul(k, f64x2.splat(1.9082149292705877e-10)),
  );
  let series = f64x2.splat(1.0 / 6227020800.0);
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(1.0 / 479001600.0));
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(1.0 / 39916800.0));
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(1.0 / 3628800.0));
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(1.0 / 362880.0));
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(1.0 / 40320.0));
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(1.0 / 5040.0));
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(1.0 / 720.0));
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(1.0 / 120.0));
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(1.0 / 24.0));
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(1.0 / 6.0));
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(0.5));
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(1));
  series = f64x2.add(f64x2.mul(series, r), f64x2.splat(1));
  // 2^52 + k + 1023 has k + 1023 in its last bits: shifted into the exponent it is 2^k.
  const power = i64x2.shl(f64x2.add(k, f64x2.splat(4503599627370496.0 + 1023.0)), 52);
  return f64x2.mul(series, power);
}

/**
 * Derivatives of the log-loss of rows begin … end − 1: p = 1 / (1 + e^−s), g = w (p − y), h = w p (1 − p). Two rows at
 * a time: where `end` is odd, the double behind it is written too, which is padding.
 *
 * @param weights address, or 0 for 1
 */
export function deriveLogLoss(
  scores: usize,
  targets: usize,
  weights: usize,
  gradients: usize,
  hessians: usize,
  begin: i32,
  end: i32,
): void {
  const one = f64x2.splat(1);
  for (let row = <usize>begin; row < <usize>end; row += 2) {
    const at = row << 3;
    const p = f64x2.div(one, f64x2.add(one, exponential(f64x2.neg(v128.load(scores + at)))));
    let g = f64x2.sub(p, v128.load(targets + at));
    let h = f64x2.mul(p, f64x2.sub(one, p));
    if (weights) {
      const w = v128.load(weights + at);
      g = f64x2.mul(w, g);
      h = f64x2.mul(f64x2.mul(w, p), f64x2.sub(one, p));
    }
    v128.store(gradients + at, g);
    v128.store(hessians + at, h);
  }
}

/**
 * One pass of scanFeature over the bins 1 … last of one column, two lanes: the same comparisons in the same order. Empty
 * bins are not skipped: the split behind one is the split before it, which cannot beat itself, and the branch costs more.
 *
 * @param histogram address of the column's bin 0
 * @param isMissingLeft 1 where the missing bin goes left
 * @param node as for scanColumns
 * @param found address of four doubles, written where a better split is found: gain, count, packed sums
 * @returns the best bin, or 0 for none
 */
function scanTwo(histogram: usize, last: i32, isMissingLeft: i32, node: usize, found: usize): i32 {
  const countUnit = load<f64>(node);
  const inverseUnit = load<f64>(node, 8);
  const gradientUnit = load<f64>(node, 16);
  const hessianUnit = load<f64>(node, 24);
  const lambda = load<f64>(node, 32);
  const minCount = load<f64>(node, 40);
  const minHessian = load<f64>(node, 48);
  const totalCount = load<f64>(node, 56);
  const totalGradient = load<f64>(node, 64);
  const totalHessian = load<f64>(node, 72);
  const score = load<f64>(node, 80);
  let bestGain = load<f64>(node, 88);
  const most = totalCount - minCount;
  let scoreToBeat = bestGain + score;
  let first: f64 = 0;
  let second: f64 = 0;
  if (isMissingLeft) {
    first = load<f64>(histogram);
    second = load<f64>(histogram, 8);
  }
  let best = 0;
  for (let bin = 1; bin <= last; bin++) {
    const cell = histogram + ((<usize>bin) << 4);
    first += load<f64>(cell);
    second += load<f64>(cell, 8);
    const units = second * inverseUnit;
    const hessian = units * hessianUnit;
    const restHessian = totalHessian - hessian;
    const gradient = first * gradientUnit;
    const restGradient = totalGradient - gradient;
    const leftTerm = hessian + lambda;
    const rightTerm = restHessian + lambda;
    const numerator = gradient * gradient * rightTerm + restGradient * restGradient * leftTerm;
    const denominator = leftTerm * rightTerm;
    if (numerator > scoreToBeat * denominator) {
      if (hessian < minHessian || restHessian < minHessian) continue;
      const count = second - Math.floor(units) * countUnit;
      if (count < minCount || count > most) continue;
      const gain = numerator / denominator - score;
      if (!(gain > bestGain)) continue;
      bestGain = gain;
      scoreToBeat = gain + score;
      best = bin;
      store<f64>(found, gain);
      store<f64>(found, count, 8);
      store<f64>(found, first, 16);
      store<f64>(found, second, 24);
    }
  }
  return best;
}

/** The same with one lane: the hessian is the count. */
function scanOne(histogram: usize, last: i32, isMissingLeft: i32, node: usize, found: usize): i32 {
  const countUnit = load<f64>(node);
  const inverseUnit = load<f64>(node, 8);
  const gradientUnit = load<f64>(node, 16);
  const lambda = load<f64>(node, 32);
  const least = max(load<f64>(node, 40), load<f64>(node, 48));
  const totalCount = load<f64>(node, 56);
  const totalGradient = load<f64>(node, 64);
  const score = load<f64>(node, 80);
  let bestGain = load<f64>(node, 88);
  const most = totalCount - least;
  let scoreToBeat = bestGain + score;
  let first: f64 = isMissingLeft ? load<f64>(histogram) : 0;
  let best = 0;
  for (let bin = 1; bin <= last; bin++) {
    first += load<f64>(histogram + ((<usize>bin) << 3));
    const upper = Math.floor(first * inverseUnit);
    const count = first - upper * countUnit;
    if (count < least) continue;
    if (count > most) break;
    const gradient = upper * gradientUnit;
    const restGradient = totalGradient - gradient;
    const leftTerm = count + lambda;
    const rightTerm = totalCount - count + lambda;
    const numerator = gradient * gradient * rightTerm + restGradient * restGradient * leftTerm;
    const denominator = leftTerm * rightTerm;
    if (numerator > scoreToBeat * denominator) {
      const gain = numerator / denominator - score;
      if (!(gain > bestGain)) continue;
      bestGain = gain;
      scoreToBeat = gain + score;
      best = bin;
      store<f64>(found, gain);
      store<f64>(found, count, 8);
      store<f64>(found, first, 16);
      store<f64>(found, 0, 24);
    }
  }
  return best;
}
