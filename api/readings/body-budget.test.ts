import { expect, it } from "vitest";
import { BodyBudget } from "./body-budget.ts";

it("lets bodies pass as far as the bytes go, and others once those are done", async () => {
  const budget = new BodyBudget(100);
  let end: () => void = () => undefined;
  const first = budget.with(60, () => new Promise<void>((resolve) => (end = resolve)));
  await expect(budget.with(50, async () => 1)).rejects.toMatchObject({ code: "too_many_readings" });
  expect(await budget.with(40, async () => 2)).toBe(2);
  end();
  await first;
  expect(await budget.with(100, async () => 3)).toBe(3);
  await expect(budget.with(1, () => Promise.reject(new Error("bad")))).rejects.toThrow("bad");
  // One that is larger than all of it passes alone.
  expect(await budget.with(500, async () => 4)).toBe(4);
});
