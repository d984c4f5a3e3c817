import { expect, it } from "vitest";
import type { ViewFeature } from "../../features/feature-view.ts";
import { withStarts } from "./histories.ts";

const histories = new Map([
  ["a", { readings: 3, first: 70, last: 90 }],
  ["new", { readings: 2, first: 80, last: 90 }],
]);
const learnt = () => Promise.resolve(new Map([["a", { readings: 9, first: 10, last: 60 }]]));
const ages = [{ operator: "baseline", args: {} } as ViewFeature];

it("takes the start of a life from the training data, and of cycles the first", async () => {
  const timed = await withStarts(histories, { features: ages, timeKind: "timestamp" }, learnt);
  expect([...timed.values()].map(({ start }) => start)).toEqual([10, undefined]);
  const counted = await withStarts(histories, { features: ages, timeKind: "cycle" }, learnt);
  expect([...counted.values()].map(({ start }) => start)).toEqual([1, 1]);
});

it("asks for no training data where no feature looks back over a life", async () => {
  const never = () => Promise.reject(new Error("asked"));
  expect(await withStarts(histories, { features: [], timeKind: "timestamp" }, never)).toBe(histories);
});
