import { describe, expect, it } from "vitest";
import { isInShare } from "./sticky-share.ts";

const KEYS = Array.from({ length: 20_000 }, (_, i) => `asset-${i}`);
const chosen = (rollout: string, share: number): string[] =>
  KEYS.filter((key) => isInShare(rollout, key, share));

describe("isInShare", () => {
  it.each([5, 25, 50])("takes about %i per cent", (share) => {
    // The standard deviation of the share over 20,000 keys is at most 0.35 per cent.
    expect((100 * chosen("r1", share).length) / KEYS.length).toBeCloseTo(share, -0.3);
  });

  it("takes none at 0 and all at 100", () => {
    expect(chosen("r1", 0)).toHaveLength(0);
    expect(chosen("r1", 100)).toHaveLength(KEYS.length);
  });

  it("keeps whoever was in a smaller share", () => {
    const large = new Set(chosen("r1", 25));
    expect(chosen("r1", 5).every((key) => large.has(key))).toBe(true);
  });

  it("picks others in another rollout", () => {
    const first = new Set(chosen("r1", 5));
    const both = chosen("r2", 5).filter((key) => first.has(key));
    // One in twenty of one in twenty: 50, with a standard deviation of 7.
    expect(both.length).toBeLessThan(90);
  });
});
