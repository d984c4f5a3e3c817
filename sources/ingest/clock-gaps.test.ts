import { describe, expect, it } from "vitest";
import { clockGaps } from "./clock-gaps.ts";

const HOUR_US = 3_600_000_000;

describe("clockGaps", () => {
  it.each([
    ["Europe/Berlin", "2025-03-30T01:00:00Z", HOUR_US],
    ["America/New_York", "2025-03-09T07:00:00Z", HOUR_US],
    ["Australia/Lord_Howe", "2025-10-04T15:30:00Z", HOUR_US / 2],
  ])("%s goes forward at %s", (zone, at, width) => {
    expect(clockGaps(zone)).toContainEqual({ at: Date.parse(at) * 1_000, width });
  });

  it("there are none in UTC", () => {
    expect(clockGaps("UTC")).toEqual([]);
  });
});
