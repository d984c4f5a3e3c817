/**
 * The inner loops of boosting in AssemblyScript, compiled to WebAssembly by `npm run kernels`.
 *
 * Same arguments, same memory and same bytes as `plain-kernels.ts`, which is the reference: a test compares them.
 * What WebAssembly adds is two doubles per instruction (gradient and hessian·2^C + count are added at once) and a
 * partition without branches, which a processor cannot foresee here.
 *
 * A block is 8 columns: bins[row · 8 + column] of uint8, hist[(column · 256 + bin) · lanes] of float64.
 */

// Bytes of one column's histogram.
const ONE: usize = 256 * 8;
const TWO: usize = 256 * 16;

function addTwo(histogram: usize, bin: u64, v: v128): void {
  const cell = histogram + ((<usize>(bin & 255)) << 4);
  v128.store(cell, f64x2.add(v128.load(cell), v));
}

function addOne(histogram: usize, bin: u64, v: f64): void {
  const cell = histogram + ((<usize>(bin & 255)) << 3);
  store<f64>(cell, load<f64>(cell) + v);
}

/** Adds the listed rows of a block to its histogram: eight columns, two lanes. */
export function addEightTwo(
  histogram: usize,
  bins: usize,
  rows: usize,
  begin: i32,
  end: i32,
  packed: usize,
): void {
  for (let index = begin; index < end; index++) {
    const row = <usize>load<i32>(rows + ((<usize>index) << 2));
    const w = load<u64>(bins + (row << 3));
    const v = v128.load(packed + (row << 4));
    addTwo(histogram, w, v);
    addTwo(histogram + TWO, w >> 8, v);
    addTwo(histogram + 2 * TWO, w >> 16, v);
    addTwo(histogram + 3 * TWO, w >> 24, v);
    addTwo(histogram + 4 * TWO, w >> 32, v);
    addTwo(histogram + 5 * TWO, w >> 40, v);
    addTwo(histogram + 6 * TWO, w >> 48, v);
    addTwo(histogram + 7 * TWO, w >> 56, v);
  }
}

/** The first four columns only, two lanes. */
export function addFourTwo(
  histogram: usize,
  bins: usize,
  rows: usize,
  begin: i32,
  end: i32,
  packed: usize,
): void {
  for (let index = begin; index < end; index++) {
    const row = <usize>load<i32>(rows + ((<usize>index) << 2));
    const w = <u64>load<u32>(bins + (row << 3));
    const v = v128.load(packed + (row << 4));
    addTwo(histogram, w, v);
    addTwo(histogram + TWO, w >> 8, v);
    addTwo(histogram + 2 * TWO, w >> 16, v);
    addTwo(histogram + 3 * TWO, w >> 24, v);
  }
}

/** Eight columns, one lane. */
export function addEightOne(
  histogram: usize,
  bins: usize,
  rows: usize,
  begin: i32,
  end: i32,
  packed: usize,
): void {
  for (let index = begin; index < end; index++) {
    const row = <usize>load<i32>(rows + ((<usize>index) << 2));
    const w = load<u64>(bins + (row << 3));
    const v = load<f64>(packed + (row << 3));
    addOne(histogram, w, v);
    addOne(histogram + ONE, w >> 8, v);
    addOne(histogram + 2 * ONE, w >> 16, v);
    addOne(histogram + 3 * ONE, w >> 24, v);
    addOne(histogram + 4 * ONE, w >> 32, v);
    addOne(histogram + 5 * ONE, w >> 40, v);
    addOne(histogram + 6 * ONE, w >> 48, v);
    addOne(histogram + 7 * ONE, w >> 56, v);
  }
}

/** The first four columns only, one lane. */
export function addFourOne(
  histogram: usize,
  bins: usize,
  rows: usize,
  begin: i32,
  end: i32,
  packed: usize,
): void {
  for (let index = begin; index < end; index++) {
    const row = <usize>load<i32>(rows + ((<usize>index) << 2));
    const w = <u64>load<u32>(bins + (row << 3));
    const v = load<f64>(packed + (row << 3));
    addOne(histogram, w, v);
    addOne(histogram + ONE, w >> 8, v);
    addOne(histogram + 2 * ONE, w >> 16, v);
    addOne(histogram + 3 * ONE, w >> 24, v);
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
 * column's byte of row 0, `sides` of 256 bytes that hold 1 for the bins that go left.
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
    const goesLeft = <usize>load<u8>(sides + <usize>load<u8>(column + ((<usize>row) << 3)));
    store<i32>(left + (nLeft << 2), row);
    store<i32>(right + (nRight << 2), row);
    nLeft += goesLeft;
    nRight += 1 - goesLeft;
  }
  return <i32>nLeft;
}
