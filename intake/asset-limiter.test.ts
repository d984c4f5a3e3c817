import { expect, it } from "vitest";
import { AssetLimiter } from "./asset-limiter.ts";

it("lets a burst pass and then so many a second, of each asset by itself", () => {
  const limiter = new AssetLimiter({ perSecond: 2, burst: 3 });
  const passed = (asset: number, at: number, n: number) =>
    Array.from({ length: n }, () => limiter.take(asset, at)).filter(Boolean).length;
  expect(passed(1, 0, 10)).toBe(3);
  expect(passed(2, 0, 10)).toBe(3);
  expect(passed(1, 1_000, 10)).toBe(2);
  expect(passed(1, 60_000, 10)).toBe(3);
  // A clock that goes back gives nothing away.
  expect(passed(1, 0, 10)).toBe(0);
});
