import { expect, it } from "vitest";
import { RolloutMeter } from "./meter.ts";

it("keeps pairs of probabilities that are next to each other as equal, and others as they are", () => {
  const meter = new RolloutMeter();
  meter.compared(
    [{ probability: 0.004 }, { probability: 0.5 }, { value: 0.004 }].map((answer, i) => ({
      predictionId: `a${i}`,
      ...answer,
    })),
    [{ probability: 0.0041 }, { probability: 0.52 }, { value: 0.0041 }].map((answer, i) => ({
      predictionId: `b${i}`,
      ...answer,
    })),
  );
  expect(meter.sample).toEqual([
    [0.004, 0.004],
    [0.5, 0.52],
    [0.004, 0.0041],
  ]);
  expect(meter.counts.pairs).toBe(3);
});
