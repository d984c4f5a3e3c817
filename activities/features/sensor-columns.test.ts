import { describe, expect, it } from "vitest";
import { sampleAssets } from "./sensor-columns.ts";

const assets = ["a", "b", "c", "d"];
/** a: 4 rows, b: 1, c: 2, d: 3. */
const assetCodes = Int32Array.of(0, 0, 0, 0, 1, 2, 2, 3, 3, 3);
const sizes = [4, 1, 2, 3];

describe("sampleAssets", () => {
  it("takes all that fits", () => {
    expect([...sampleAssets({ assets, assetCodes }, 10)]).toEqual([1, 1, 1, 1]);
  });
  it("takes whole assets within the budget, the same ones each time", () => {
    const taken = sampleAssets({ assets, assetCodes }, 6);
    const nRows = sizes.reduce((sum, size, code) => sum + size * (taken[code] as number), 0);
    expect(nRows).toBeGreaterThan(0);
    expect(nRows).toBeLessThanOrEqual(6);
    expect(sampleAssets({ assets, assetCodes }, 6)).toEqual(taken);
  });
  it("takes none where not even one fits", () => {
    expect([...sampleAssets({ assets: ["a"], assetCodes: Int32Array.of(0, 0) }, 1)]).toEqual([0]);
  });
});
