import { expect, test } from "vitest";
import { failureCounts } from "./failure-counts.ts";

const rows = { train: Int32Array.of(0, 1, 2), test: Int32Array.of(3, 4, 5, 6, 7) };
const given = {
  y: Float64Array.of(1, 1, 0, 1, 1, 1, 0, 0),
  assetCodes: Int32Array.of(0, 0, 1, 2, 2, 3, 3, 4),
  rows,
  // Asset 2 has an alert at one of its rows; asset 3 only where it does not fail.
  probability: Float64Array.of(0.1, 0.5, 0.4, 0.9, 0.9),
};

test("rows before failures, the assets they belong to, and those without any alert", () => {
  expect(failureCounts({ ...given, threshold: 0.5 })).toEqual({
    train: { rows: 2, assets: 1 },
    test: { rows: 3, assets: 2, missedAssets: 1 },
  });
  expect(failureCounts({ ...given, threshold: null }).test).toEqual({ rows: 3, assets: 2 });
});
