import { describe, expect, it } from "vitest";
import { parseLimit, parseSince, parseVersion, timeText } from "./list-view.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

describe("parseSince", () => {
  it.each([
    ["30m", "2026-03-01T11:30:00.000Z"],
    ["7d", "2026-02-22T12:00:00.000Z"],
    ["2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00.000Z"],
  ])("%s", (text, at) => expect(parseSince(text, NOW)).toBe(at));

  it.each(["", "yesterday", "7", "7y", "-1h"])("refuses '%s'", (text) =>
    expect(() => parseSince(text, NOW)).toThrow("expected a time"),
  );
});

it.each(["0", "1001", "1.5", "x"])("refuses the limit %s", (text) =>
  expect(() => parseLimit(text)).toThrow("1 to 1000"),
);
it("takes versions with and without @", () =>
  expect([parseVersion("3"), parseVersion("@3")]).toEqual([3, 3]));
it("shortens times", () => expect(timeText("2026-03-01T12:00:00.123Z")).toBe("2026-03-01 12:00:00Z"));
