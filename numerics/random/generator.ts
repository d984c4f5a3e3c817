/**
 * The seeded source of randomness of everything under `numerics`: the same seed gives the same
 * numbers on every machine, and nothing else in this room may draw.
 *
 * xoshiro128** holds 128 bits of state and yields 32 bits per step; its period is 2^128 − 1. A seed
 * is text: a hash with four crossed lanes fills the state, so that seeds that look alike (1, 2, 3)
 * start far apart.
 *
 * Forks are named, not drawn: `fork('tree/7')` depends on the parent's seed and the label alone,
 * never on how much the parent has drawn. Adding a draw in one place thus moves no other stream,
 * and a resumed training continues with the numbers of an undisturbed one.
 *
 * Source: Blackman & Vigna 2021 (doi:10.1145/3460772), xoshiro128** 1.1, public domain C at
 * prng.di.unimi.it; the seeding hash is cyrb128 (bryc, public domain), finalised as MurmurHash3.
 */

/** A deterministic stream of random numbers. Not for secrets. */
export interface Generator {
  /** Uniform in [0, 1), a multiple of 2⁻⁵³. Two steps of the state. */
  next(): number;
  /**
   * Uniform integer in [0, n), without modulo bias.
   *
   * @throws {RangeError} when n is not an integer in 1 … 2³²
   */
  integer(n: number): number;
  /** Standard normal (mean 0, variance 1), by Marsaglia's polar method. */
  normal(): number;
  /** Permutes `items` in place (Fisher–Yates) and returns it. */
  shuffle<T extends MutableArrayLike>(items: T): T;
  /** A stream of its own, given by this stream's seed and `label`, whatever was drawn before. */
  fork(label: string): Generator;
}

/** What `shuffle` can permute: arrays and typed arrays. */
export interface MutableArrayLike {
  readonly length: number;
  // `unknown[]` and every typed array can be written at an index; their element types differ.
  [index: number]: unknown;
}

/**
 * Creates the stream of a seed.
 *
 * @param seed finite number or any text; 7 and '7' are different seeds
 * @throws {RangeError} when a numeric seed is not finite
 *
 * Cost: O(length of the seed). Deterministic across platforms and Node versions: integer steps, and
 * Math.log and Math.sqrt, which V8 computes in software (fdlibm) and exactly, respectively.
 */
export function createGenerator(seed: number | string): Generator {
  if (typeof seed === "number" && !Number.isFinite(seed)) {
    throw new RangeError(`seed must be finite, got ${seed}`);
  }
  return new Xoshiro128(typeof seed === "number" ? `n:${seed}` : `s:${seed}`);
}

const TWO_POW_32 = 0x1_0000_0000;
const TWO_POW_MINUS_53 = 2 ** -53;

class Xoshiro128 implements Generator {
  readonly #key: string;
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;
  #spareNormal: number | undefined;

  constructor(key: string) {
    this.#key = key;
    [this.#s0, this.#s1, this.#s2, this.#s3] = hashTo128Bits(key);
  }

  /** One step: 32 uniform bits as an unsigned integer. */
  #step(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.#s1, 5), 7), 9) >>> 0;
    const shifted = this.#s1 << 9;
    this.#s2 ^= this.#s0;
    this.#s3 ^= this.#s1;
    this.#s1 ^= this.#s2;
    this.#s0 ^= this.#s3;
    this.#s2 ^= shifted;
    this.#s3 = rotateLeft(this.#s3, 11);
    return scrambled;
  }

  next(): number {
    const high = this.#step() >>> 5; // 27 bits
    const low = this.#step() >>> 6; // 26 bits
    return (high * 0x400_0000 + low) * TWO_POW_MINUS_53;
  }

  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > TWO_POW_32) {
      throw new RangeError(`n must be an integer in 1 … 2^32, got ${n}`);
    }
    // Draws above the largest multiple of n are rejected, else small values would be favoured.
    const limit = TWO_POW_32 - remainderOf(TWO_POW_32, n);
    let drawn = this.#step();
    while (drawn >= limit) drawn = this.#step();
    return remainderOf(drawn, n);
  }

  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    for (;;) {
      const u = 2 * this.next() - 1;
      const v = 2 * this.next() - 1;
      const radius = u * u + v * v;
      if (radius > 0 && radius < 1) {
        const scale = Math.sqrt((-2 * Math.log(radius)) / radius);
        this.#spareNormal = v * scale;
        return u * scale;
      }
    }
  }

  shuffle<T extends MutableArrayLike>(items: T): T {
    const mutable: MutableArrayLike = items;
    for (let last = mutable.length - 1; last > 0; last--) {
      const chosen = this.integer(last + 1);
      const kept = mutable[last];
      mutable[last] = mutable[chosen];
      mutable[chosen] = kept;
    }
    return items;
  }

  fork(label: string): Generator {
    // The length makes the key unambiguous: fork('a').fork('b') is not fork('a/b').
    return new Xoshiro128(`${this.#key}/${label.length}:${label}`);
  }
}

/** a % n of integers up to 2^32, for which the rounded quotient never reaches the next integer; `%` of doubles is slow. */
function remainderOf(a: number, n: number): number {
  return a - Math.floor(a / n) * n;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** Mixes one UTF-16 unit at a time through four crossed lanes; never returns the all-zero state. */
function hashTo128Bits(text: string): [number, number, number, number] {
  let a = 1779033703;
  let b = 3144134277;
  let c = 1013904242;
  let d = 2773480762;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    a = b ^ Math.imul(a ^ unit, 597399067);
    b = c ^ Math.imul(b ^ unit, 2869860233);
    c = d ^ Math.imul(c ^ unit, 951274213);
    d = a ^ Math.imul(d ^ unit, 2716044179);
  }
  const state: [number, number, number, number] = [
    finalise(c ^ Math.imul(a ^ (a >>> 18), 597399067)),
    finalise(d ^ Math.imul(b ^ (b >>> 22), 2869860233)),
    finalise(a ^ Math.imul(c ^ (c >>> 17), 951274213)),
    finalise(b ^ Math.imul(d ^ (d >>> 19), 2716044179)),
  ];
  // The all-zero state is the one fixed point of the generator.
  if ((state[0] | state[1] | state[2] | state[3]) === 0) state[0] = 0x9e3779b9;
  return state;
}

/** MurmurHash3's fmix32: every input bit changes every output bit with probability about one half. */
function finalise(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
