import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { WokenLoop } from "./woken-loop.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A loop whose looks the test ends. */
function held() {
  const ends: (() => void)[] = [];
  const loop = new WokenLoop(() => new Promise((resolve) => ends.push(() => resolve(1_000))));
  const end = async (): Promise<void> => {
    ends.at(-1)?.();
    await vi.advanceTimersByTimeAsync(0);
  };
  return { loop, end, nLooks: () => ends.length };
}

it("looks once at a time, once more for all who woke it meanwhile, and after its pause", async () => {
  const { loop, end, nLooks } = held();
  loop.wake();
  loop.wake();
  loop.wake();
  expect(nLooks()).toBe(1);
  await end();
  expect(nLooks()).toBe(2);
  await end();
  expect(nLooks()).toBe(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(nLooks()).toBe(3);
  await end();
  // One that is woken in its pause does not wait for the rest of it.
  loop.wake();
  expect(nLooks()).toBe(4);
});

it("waits for the present look when it is closed, and begins no other", async () => {
  const { loop, end, nLooks } = held();
  loop.wake();
  loop.wake();
  let isClosed = false;
  const closing = loop.close().then(() => (isClosed = true));
  await vi.advanceTimersByTimeAsync(10);
  expect([isClosed, loop.isClosed]).toEqual([false, true]);
  await end();
  await closing;
  loop.wake();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(nLooks()).toBe(1);
});
