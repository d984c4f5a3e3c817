/**
 * A well-mixed, seeded hash of a text, as a number in [0, 2⁵³).
 *
 * Two 32-bit lanes (multiply–xor over UTF-16 units, cross-mixed at the end with the finaliser of MurmurHash3). It orders
 * groups in splits, so it must never change: the digests of stored holdouts depend on it. Not cryptographic.
 *
 * @param seed integer; another seed gives an unrelated order
 * @param text any text
 *
 * Source: the cyrb53 construction (bryc, public domain); finaliser by Appleby.
 */
export function hashText(seed: number, text: string): number {
  let high = 0xdeadbeef ^ (seed | 0);
  let low = 0x41c6ce57 ^ Math.imul(seed | 0, 0x9e3779b1);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  return joinLanes(mixLanes(high, low), mixLanes(low, high));
}

/** One lane after the final mix with the other. */
export function mixLanes(lane: number, other: number): number {
  const own = Math.imul(lane ^ (lane >>> 16), 2246822507);
  return own ^ Math.imul(other ^ (other >>> 13), 3266489909);
}

/** Two 32-bit lanes as one exact integer below 2⁵³ (21 bits of the first are kept). */
export function joinLanes(high: number, low: number): number {
  return (high & 0x1fffff) * 0x1_0000_0000 + (low >>> 0);
}
