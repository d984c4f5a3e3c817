import { expect, test } from "vitest";
import { boundedLocations, errorLocationSchema, MAX_LOCATIONS } from "./error-location.ts";

test("keeps few locations, and of each what a person can read", () => {
  const one = { file: "a.csv", line: 7, field: "t", expected: "a number", found: "x".repeat(5_000) };
  const [kept, ...rest] = boundedLocations(Array.from({ length: 1_000 }, () => one));
  expect(rest).toHaveLength(MAX_LOCATIONS - 1);
  expect(kept).toMatchObject({ file: "a.csv", line: 7, field: "t", expected: "a number" });
  expect(kept?.found).toBe(`${"x".repeat(299)}…`);
  expect(errorLocationSchema.parse(kept)).toEqual(kept);
});

test("does not keep half a character", () => {
  const [kept] = boundedLocations([{ found: `${"x".repeat(298)}😀${"x".repeat(9)}` }]);
  expect(kept).toEqual({ found: `${"x".repeat(298)}…` });
});
