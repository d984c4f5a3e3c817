import { describe, expect, it } from "vitest";
import { isCron, longestCronGapMs } from "./cron.ts";

describe("isCron", () => {
  it.each(["0 3 * * 1", "*/15 0-6,22 1 jan-mar MON", "  59 23 31 12 7 ", "0 0 1-7/2 * *"])(
    "takes %s",
    (text) => expect(isCron(text)).toBe(true),
  );

  it.each([
    ["four fields", "0 3 * *"],
    ["six fields", "0 0 3 * * 1"],
    ["an hour of 24", "0 24 * * *"],
    ["a day 0", "0 0 0 * *"],
    ["a range backwards", "0 6-2 * * *"],
    ["a range of three", "0 1-2-3 * * *"],
    ["a step of 0", "*/0 * * * *"],
    ["two steps", "*/2/3 * * * *"],
    ["no value before a comma", ",5 * * * *"],
    ["a word", "@daily"],
    ["a name of another field", "0 0 mon * *"],
    ["nothing", ""],
    ["a sign", "-1 * * * *"],
  ])("refuses %s", (_name, text) => expect(isCron(text)).toBe(false));
});

describe("longestCronGapMs", () => {
  const HOUR_MS = 3_600_000;
  it.each([
    ["*/15 * * * *", 1],
    ["0 3 * * *", 25],
    ["0 3 * * mon", 7 * 24 + 1],
    ["0 3 1 * *", 62 * 24],
    ["0 3 1 1 *", 366 * 24],
  ])("of %s is %d h", (text, hours) => expect(longestCronGapMs(text)).toBe(hours * HOUR_MS));
});
