/**
 * e^x from additions and multiplications alone, so that every processor, thread and kernel gives the same bits; what the
 * language calls `Math.exp` differs between engines. Within 1 ulp or so of the true value on −700 … 700, beyond which x
 * is clipped.
 *
 *   e^x = 2^k · e^r,   k = ⌊x / ln 2 + ½⌋,   e^r by its series up to r¹³ / 13!
 *
 * `assembly/kernels.ts` has the same steps, two numbers at a time.
 */
export function exponential(x: number): number {
  const clipped = Math.min(700, Math.max(-700, x));
  const k = Math.floor(clipped * Math.LOG2E + 0.5);
  const r = clipped - k * LN2_HIGH - k * LN2_LOW;
  let series = INVERSE_FACTORIALS[0];
  for (let place = 1; place < INVERSE_FACTORIALS.length; place++) {
    series = series * r + INVERSE_FACTORIALS[place];
  }
  WORDS[1] = (k + 1023) << 20;
  return series * POWER[0];
}

/** ln 2 in two parts: k times the first is exact. */
const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;
/** 1/13!, 1/12!, …, 1/1!, 1/0! */
const INVERSE_FACTORIALS = Float64Array.of(
  1 / 6227020800,
  1 / 479001600,
  1 / 39916800,
  1 / 3628800,
  1 / 362880,
  1 / 40320,
  1 / 5040,
  1 / 720,
  1 / 120,
  1 / 24,
  1 / 6,
  0.5,
  1,
  1,
);
/** A double and its two words (little-endian, as WebAssembly is everywhere): its exponent alone is ever written. */
const POWER = new Float64Array(1);
const WORDS = new Int32Array(POWER.buffer);
