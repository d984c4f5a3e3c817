import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AssetSeries } from "./asset-series.ts";
import { ScoringQueue } from "./scoring-queue.ts";

/** All that the queue looks at. */
const seriesOf = (asset: string, nth = 0, digest = "d"): AssetSeries =>
  ({ asset, nth, model: { digest } }) as unknown as AssetSeries;

describe("the queue of assets to score", () => {
  let batches: { asset: string; nth: number }[][];
  let refuse = false;
  let queue: ScoringQueue;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    batches = [];
    refuse = false;
    queue = new ScoringQueue({
      everyMs: 1_000,
      maxRows: 3,
      async score(series) {
        batches.push(series.map((one) => one as unknown as { asset: string; nth: number }));
        return refuse ? series : [];
      },
    });
  });
  afterEach(() => vi.useRealTimers());

  it("scores at once, then at most every so often, always the newest", async () => {
    for (let nth = 0; nth < 500; nth++) {
      queue.add(seriesOf("p1", nth));
      await vi.advanceTimersByTimeAsync(10);
    }
    await vi.advanceTimersByTimeAsync(2_000);
    expect(batches.length).toBeGreaterThanOrEqual(5);
    expect(batches.length).toBeLessThanOrEqual(7);
    expect(batches.at(-1)).toMatchObject([{ nth: 499 }]);
    expect(queue.nWaiting).toBe(0);
  });

  it("makes batches of one model each, of bounded size", async () => {
    for (const asset of ["a", "b", "c", "d"]) queue.add(seriesOf(asset));
    queue.add(seriesOf("a", 0, "e"));
    await vi.advanceTimersByTimeAsync(50);
    expect(batches.map((batch) => batch.length)).toEqual([3, 1, 1]);
  });

  it("tries again what was given back, with the newest features", async () => {
    refuse = true;
    queue.add(seriesOf("p1", 1));
    await vi.advanceTimersByTimeAsync(50);
    expect(batches).toHaveLength(1);
    refuse = false;
    queue.add(seriesOf("p1", 2));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(batches).toHaveLength(2);
    expect(batches[1]).toMatchObject([{ nth: 2 }]);
  });

  it("scores what waits when it is closed, and takes nothing after that", async () => {
    queue.add(seriesOf("p1", 1));
    await vi.advanceTimersByTimeAsync(50);
    queue.add(seriesOf("p1", 2));
    await queue.close();
    queue.add(seriesOf("p1", 3));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(batches.map((batch) => batch[0]?.nth)).toEqual([1, 2]);
  });
});
