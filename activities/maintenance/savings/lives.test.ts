import { expect, it } from "vitest";
import { livesOf } from "./lives.ts";
import type { LifeTable } from "./lives.ts";

const HOUR = 3_600_000_000;
const nan = Number.NaN;

/** Readings an hour apart: `a` fails at 3 h, is repaired for one reading, and is last seen at 7 h; `b` fails at 2 h. */
const table: LifeTable = {
  t: Float64Array.from([0, 1, 2, 4, 5, 6, 7, 0, 1], (hour) => hour * HOUR),
  yRaw: Float64Array.from([3, 2, 1, nan, nan, nan, nan, 2, 1]),
  yLeast: Float64Array.from([nan, nan, nan, nan, 2, 1, 0, nan, nan]),
  assetCodes: Int32Array.from([0, 0, 0, 0, 0, 0, 0, 1, 1]),
  assets: ["a", "b"],
};
const options = { perUnit: HOUR, repeat: { hits: 1, of: 1 } };

it("tells lives of one asset apart by their ends", () => {
  const rows = Int32Array.from(table.t.keys());
  const holds = Array.from(rows, (row) => [1, 2, 5, 8].includes(row));
  expect(livesOf(table, { rows, holds }, options)).toEqual([
    { asset: "a", begin: 0, entry: 0, end: 3, hasFailed: true, alarms: [1] },
    { asset: "a", begin: 5, entry: 5, end: 7, hasFailed: false, alarms: [6] },
    { asset: "b", begin: 0, entry: 0, end: 2, hasFailed: true, alarms: [1] },
  ]);
});

it("counts a life from the first row that is held out, and knows when it began", () => {
  const rows = Int32Array.from([2, 6]);
  expect(livesOf(table, { rows, holds: [true, false] }, options)).toEqual([
    { asset: "a", begin: 0, entry: 2, end: 3, hasFailed: true, alarms: [2] },
    { asset: "a", begin: 5, entry: 7, end: 7, hasFailed: false, alarms: [] },
  ]);
});
