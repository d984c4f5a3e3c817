import { describe, expect, it } from "vitest";
import { inLanes } from "./lanes.ts";

describe("inLanes", () => {
  it("never works on more than it has lanes for, and keeps the order", async () => {
    let nOpen = 0;
    let most = 0;
    const results = await inLanes([...Array(20).keys()], 3, async (item) => {
      nOpen += 1;
      most = Math.max(most, nOpen);
      // Later items end sooner.
      for (let turn = item; turn < 20; turn += 1) await Promise.resolve();
      nOpen -= 1;
      return item * 2;
    });
    expect(most).toBe(3);
    expect(results).toEqual([...Array(20).keys()].map((item) => item * 2));
  });

  it("has nothing to do for no items", async () => {
    expect(await inLanes([], 3, async () => 1)).toEqual([]);
  });

  it("fails with the first failure", async () => {
    const work = async (item: number) => {
      if (item === 2) throw new RangeError("two");
      return item;
    };
    await expect(inLanes([1, 2, 3], 2, work)).rejects.toThrow("two");
  });
});
