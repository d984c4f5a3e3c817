/**
 * Whether a key belongs to the share of a rollout: the same key always to the same side, and whoever was in a smaller share
 * is in a larger one. Another rollout picks others, so that it is not always the same assets that try what is new.
 *
 * hash = mix(FNV-1a(rolloutId, 0, key));  in ⇔ hash / 2³² < share / 100
 *
 * @param share per cent, 0…100
 */
export function isInShare(rolloutId: string, key: string, share: number): boolean {
  return mix(fnv1a(key, fnv1a(`${rolloutId}\0`, FNV_BASIS))) / 2 ** 32 < share / 100;
}

const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Over UTF-16 code units, low byte first. */
function fnv1a(text: string, from: number): number {
  let hash = from;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), FNV_PRIME);
    hash = Math.imul(hash ^ (unit >> 8), FNV_PRIME);
  }
  return hash >>> 0;
}

/** The last step of MurmurHash3: every bit of the input moves every bit of the result. */
function mix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
