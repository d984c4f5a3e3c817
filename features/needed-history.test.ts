import { expect, it } from "vitest";
import type { ViewFeature } from "./feature-view.ts";
import { isShort, neededHistory } from "./needed-history.ts";

const HOUR = 3_600_000_000;
const feature = (args: object) => ({ args }) as ViewFeature;

it("needs what the longest window and the farthest lag look back on", () => {
  const features = [
    feature({ column: "s1" }),
    feature({ column: "s1", stat: "mean", window: { rows: 5 } }),
    feature({ column: "s1", steps: 9 }),
    feature({ column: "s1", over: "life" }),
    feature({ column: "s1", over: 8 }),
    feature({ column: "s1", stat: "mean", window: { us: 24 * HOUR } }),
  ];
  const windows = { readings: 10, micros: 24 * HOUR, isLifelong: false };
  expect(neededHistory({ features, timeKind: "timestamp" })).toEqual(windows);
  const none = { readings: 0, micros: 0, isLifelong: false };
  expect(neededHistory({ features: [], timeKind: "timestamp" })).toEqual(none);
});

it.each([
  [1, 3],
  [2.5, 8],
  [30, 90],
  [0.1, 1],
])("needs three half-lives of a mean whose weights halve every %d readings: %d", (halfLife, readings) => {
  const needed = neededHistory({ features: [feature({ column: "s1", halfLife })], timeKind: "cycle" });
  expect(needed).toEqual({ readings, micros: 0, isLifelong: false });
  const history = { first: 1, last: 100 };
  expect(isShort({ ...history, readings: readings - 1 }, needed)).toBe(true);
  expect(isShort({ ...history, readings }, needed)).toBe(false);
});

it.each([
  ["age", "timestamp", true],
  ["age", "cycle", false],
  ["baseline", "timestamp", true],
  ["expanding", "cycle", true],
  ["rolling", "timestamp", false],
] as const)("%s of %s times looks back to the first reading: %s", (operator, timeKind, isLifelong) => {
  const features = [{ operator, args: {} } as ViewFeature];
  expect(neededHistory({ features, timeKind }).isLifelong).toBe(isLifelong);
});

it("is short over a life where the asset is known to have been before", () => {
  const needed = { readings: 0, micros: 0, isLifelong: true };
  const history = { readings: 9, first: 5 * HOUR, last: 13 * HOUR };
  expect(isShort(history, needed)).toBe(false);
  expect(isShort({ ...history, start: 5 * HOUR }, needed)).toBe(false);
  expect(isShort({ ...history, start: 4 * HOUR }, needed)).toBe(true);
  expect(isShort({ ...history, start: 4 * HOUR }, { ...needed, isLifelong: false })).toBe(false);
});

it.each([
  ["a full day of hourly readings, by a day", { readings: 24, first: 0, last: 23 * HOUR }, 0, 24, false],
  ["an hour less", { readings: 23, first: 0, last: 22 * HOUR }, 0, 24, true],
  ["one reading, by a day", { readings: 1, first: 7, last: 7 }, 0, 24, true],
  ["as many readings as needed", { readings: 23, first: 0, last: 1 }, 23, 0, false],
  ["one less", { readings: 22, first: 0, last: 1 }, 23, 0, true],
  ["anything, where nothing is needed", { readings: 1, first: 0, last: 0 }, 0, 0, false],
])("%s is short: %#", (_name, history, readings, hours, expected) => {
  expect(isShort(history, { readings, micros: hours * HOUR, isLifelong: false })).toBe(expected);
});
