/**
 * A size of a tensor, or a number that a size is made of, for one number of rows.
 *
 * Sizes are looked at for a few numbers of rows, and must not be larger in between. Those that change with the rows
 * (`varies`) are therefore followed only through what never falls where its operands rise: a number that is made of them
 * otherwise, or of anything that is not known, is NaN. Written into a graph by hand, "where the rows are 777 a million,
 * else 1" is such a number.
 */
export interface Size {
  /** NaN: not known. Reals occur on the way: frameworks scale sizes by factors. */
  readonly value: number;
  /** Whether it changes with the number of rows. */
  readonly varies: boolean;
  /** It is the number of rows. */
  readonly isRows?: true;
  /** Beyond what a double counts: not known, but after (1) or before (−1) every place that a tensor has. */
  readonly far?: number;
}

export function rowsOf(nRows: number): Size {
  return { value: nRows, varies: true, isRows: true };
}

export const UNKNOWN: Size = { value: Number.NaN, varies: false };
const MAX_EXACT = 2 ** 53;

/** A number from the file. */
export function fixed(value: number): Size {
  if (Math.abs(value) <= MAX_EXACT) return { value, varies: false };
  return Number.isNaN(value) ? UNKNOWN : { ...UNKNOWN, far: Math.sign(value) };
}

/** As a place in a tensor; frameworks write the largest number there is for "to the end". */
export function asPlace({ value, far }: Size): number {
  return far === undefined ? value : far * Infinity;
}

/** TensorProto.DataType of what sizes are made of. */
export const ELEMENT = { float: 1, int32: 6, int64: 7, bool: 9, double: 11 } as const;
const MAX_INT32 = 2 ** 31 - 1;

/**
 * A number as a tensor of the type holds it. Whole numbers that would wrap around, and truths that are neither 0 nor 1, are
 * not known; 2²⁴ + 1 is 2²⁴ in a float. What rises goes on rising.
 */
export function asStored(size: Size, elementType: number): Size {
  const { value, varies } = size;
  switch (elementType) {
    case ELEMENT.int64:
    case ELEMENT.double:
      return size;
    case ELEMENT.float:
      return Math.fround(value) === value ? size : { value: Math.fround(value), varies };
    case ELEMENT.int32:
      return Math.abs(value) <= MAX_INT32 ? size : UNKNOWN;
    case ELEMENT.bool:
      return value === 0 || value === 1 ? size : UNKNOWN;
  }
  return UNKNOWN;
}

function rising(value: number, ...from: readonly Size[]): Size {
  return Math.abs(value) <= MAX_EXACT ? { value, varies: from.some(({ varies }) => varies) } : UNKNOWN;
}

function unlessVarying(value: number, ...from: readonly Size[]): Size {
  return from.some(({ varies }) => varies) ? UNKNOWN : fixed(value);
}

export function larger(a: Size, b: Size): Size {
  if (a.isRows === true && b.isRows === true) return a;
  return rising(Math.max(a.value, b.value), a, b);
}

export function times(a: Size, b: Size): Size {
  // The number of rows, once, is still that number.
  if (!a.varies && a.value === 1) return b;
  if (!b.varies && b.value === 1) return a;
  const varies = a.varies || b.varies;
  // A negative factor would turn what rises into what falls.
  if (varies && (a.value < 0 || b.value < 0)) return UNKNOWN;
  return rising(a.value * b.value, a, b);
}

export function plus(a: Size, b: Size): Size {
  if (!a.varies && a.value === 0) return b;
  if (!b.varies && b.value === 0) return a;
  return rising(a.value + b.value, a, b);
}

/** A divisor that varies would make what rises fall. */
export function dividedBy(a: Size, b: Size): Size {
  const value = a.value / b.value;
  return b.varies || !(b.value > 0) ? unlessVarying(value, a, b) : rising(value, a);
}

export function productOf(sizes: readonly Size[]): Size {
  return sizes.reduce(times, fixed(1));
}

type Binary = (a: Size, b: Size) => Size;

function compare(test: (a: number, b: number) => boolean): Binary {
  return (a, b) => {
    if (Number.isNaN(a.value) || Number.isNaN(b.value)) return UNKNOWN;
    return unlessVarying(Number(test(a.value, b.value)), a, b);
  };
}

const equal = compare((a, b) => a === b);
const isApart = (a: Size, b: Size) => a.varies && a.value >= 0 && !b.varies && b.value < 0;

/** Numbers that are made of two others, element by element. */
export const BINARY: Readonly<Record<string, Binary>> = {
  Add: plus,
  Sub: (a, b) => (b.varies ? UNKNOWN : rising(a.value - b.value, a)),
  Mul: times,
  Div: dividedBy,
  Min: (a, b) => rising(Math.min(a.value, b.value), a, b),
  Max: larger,
  Mod: (a, b) => unlessVarying(a.value - b.value * Math.floor(a.value / b.value), a, b),
  // Frameworks ask whether a size is −1, and none is: what is not negative for one row never is, as it rises.
  Equal: (a, b) => (isApart(a, b) || isApart(b, a) ? fixed(0) : equal(a, b)),
  Less: compare((a, b) => a < b),
  LessOrEqual: compare((a, b) => a <= b),
  Greater: compare((a, b) => a > b),
  GreaterOrEqual: compare((a, b) => a >= b),
};

/** The same of one. */
export const UNARY: Readonly<Record<string, (a: Size) => Size>> = {
  Identity: (a) => a,
  Dropout: (a) => a,
  Neg: (a) => unlessVarying(-a.value, a),
  Abs: (a) => unlessVarying(Math.abs(a.value), a),
  Not: (a) => unlessVarying(Number(a.value === 0), a),
  Floor: (a) => rising(Math.floor(a.value), a),
  Ceil: (a) => rising(Math.ceil(a.value), a),
  Sqrt: (a) => rising(Math.sqrt(a.value), a),
};

/** As integers are divided: towards zero. */
export function wholePart(a: Size): Size {
  return rising(Math.trunc(a.value), a);
}
