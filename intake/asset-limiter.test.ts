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

it("takes many assets in no time, and no more of them than it needs", () => {
  const limiter = new AssetLimiter({ perSecond: 0.001, burst: 1 });
  const began = performance.now();
  let nTaken = 0;
  for (let asset = 0; asset < 300_000; asset++) nTaken += Number(limiter.take(asset, asset / 1_000));
  expect(performance.now() - began).toBeLessThan(5_000);
  expect(nTaken).toBe(300_000);
  // Of the newest it still knows that they have had theirs.
  expect(limiter.take(299_999, 400)).toBe(false);
  expect(limiter.take(0, 400)).toBe(true);
});
