import { expect, it } from "vitest";
import { addTrials, EMPTY_TALLY } from "./tally.ts";

it("counts by state and keeps the first of the best complete trials", () => {
  const isReused = false;
  const first = addTrials(EMPTY_TALLY, 0, [
    { state: "complete", loss: -0.7, value: 0.7, isReused },
    { state: "failed", loss: null, isReused },
  ]);
  expect(first).toEqual({
    complete: 1,
    pruned: 0,
    failed: 1,
    best: { number: 0, loss: -0.7, value: 0.7 },
    isReused,
  });
  const second = addTrials(first, 2, [
    { state: "pruned", loss: -0.9, value: 0.9, isReused },
    { state: "complete", loss: -0.7, value: 0.7, isReused },
    { state: "complete", loss: -0.8, value: 0.8, isReused },
  ]);
  expect(second).toMatchObject({ complete: 3, pruned: 1, best: { number: 4, loss: -0.8 } });
});
