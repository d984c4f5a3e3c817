import { expect, it } from "vitest";
import { firstDayOf, monthOf, monthsOf } from "./reading-month.ts";

it.each([
  ["the first moment", "2000-01-01T00:00:00Z", 0, "2000-01-01"],
  ["the last of a leap month", "2024-02-29T23:59:59.999Z", 8_797, "2024-02-01"],
  ["a time before", "1999-12-31T23:59:59Z", -31, "1999-12-01"],
])("knows the month of %s", (_, time, month, firstDay) => {
  expect(monthOf(Date.parse(time))).toBe(month);
  expect(firstDayOf(month)).toBe(firstDay);
});

it("knows those of many, in any order", () => {
  const times = [
    "2024-02-29T23:00:00Z",
    "2024-02-29T01:00:00Z",
    "2024-03-01T00:00:00Z",
    "2024-02-01T00:00:00Z",
  ];
  const moments = times.map((time) => Date.parse(time));
  expect(monthsOf(moments)).toEqual(moments.map(monthOf));
});
