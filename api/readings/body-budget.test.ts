import { expect, it } from "vitest";
import { BodyBudget } from "./body-budget.ts";

/** A body that takes so many bytes and stays until it is ended. */
async function open(budget: BodyBudget, ...takes: readonly number[]): Promise<() => Promise<void>> {
  let end: () => void = () => undefined;
  const done = budget.with(async ({ take }) => {
    for (const nBytes of takes) take(nBytes);
    await new Promise<void>((resolve) => (end = resolve));
  });
  await Promise.race([done, Promise.resolve()]);
  return async () => {
    end();
    await done;
  };
}
const passes = (budget: BodyBudget, nBytes: number) => budget.with(async ({ take }) => take(nBytes));
const FULL = { code: "too_many_readings" };

it("lets bodies pass as far as the bytes go, and others once those are done", async () => {
  const budget = new BodyBudget(100);
  const end = await open(budget, 40, 20);
  await expect(passes(budget, 50)).rejects.toMatchObject(FULL);
  await passes(budget, 40);
  await expect(budget.with(async ({ requireRoom }) => requireRoom(41))).rejects.toMatchObject(FULL);
  await end();
  await passes(budget, 100);
  await expect(budget.with(() => Promise.reject(new Error("bad")))).rejects.toThrow("bad");
  // One that is larger than all of it passes alone, in any number of pieces.
  await budget.with(async ({ take }) => {
    for (let n = 0; n < 5; n++) take(100);
    await expect(passes(budget, 1)).rejects.toMatchObject(FULL);
  });
  await passes(budget, 100);
});

it("keeps no room for what has not come", async () => {
  const budget = new BodyBudget(100);
  const slow = await Promise.all(Array.from({ length: 500 }, () => open(budget)));
  await passes(budget, 100);
  for (const end of slow) await end();
});
