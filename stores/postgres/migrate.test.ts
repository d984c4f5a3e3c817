import { expect, it } from "vitest";
import { readMigrations } from "./migrate.ts";

it("gives each migration a number of its own, one after the other", async () => {
  const numbers = (await readMigrations()).map(({ name }) => Number(name.slice(0, 3)));
  // 034 was given twice and one of them taken back; numbers that databases know are never given again.
  expect(numbers).toEqual([...new Set(numbers)]);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
});
