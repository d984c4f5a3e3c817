import { expect, it } from "vitest";
import { readRowTimes } from "./row-times.ts";

it("reads the times beside rows as those of readings are read", () => {
  const cycle = { timeKind: "cycle", source: "readings" } as const;
  expect(readRowTimes(cycle, [3, null, -1])).toEqual([3, null, -1]);
  const declared = {
    timeKind: "timestamp",
    source: "readings",
    times: { readings: { timezone: "UTC" } },
  } as const;
  expect(readRowTimes(declared, ["2026-01-01T00:00:00.000001Z", null])).toEqual([
    1_767_225_600_000_001,
    null,
  ]);
  const seconds = { ...declared, times: { readings: { timezone: "UTC", epochUnit: "s" } } } as const;
  expect(readRowTimes(seconds, [1.5])).toEqual([1_500_000]);
});

it.each([
  ["cycle", [1.5], "times.0"],
  ["cycle", [1, "2"], "times.1"],
  ["timestamp", ["yesterday"], "times.0"],
  ["timestamp", [17], "times.0"],
  ["none", [null], "times"],
] as const)("refuses times of %s: %j", (timeKind, times, field) => {
  const refused = () =>
    readRowTimes({ timeKind, source: "readings", times: { readings: { timezone: "UTC" } } }, times);
  expect(refused).toThrow(expect.objectContaining({ code: "invalid_signature_input" }));
  expect(refused).toThrow(`[${field}]`);
});
