import { expect, it } from "vitest";
import { liveSourceSchema } from "../schemas/live/source.ts";
import { createReadingCheck } from "./check-reading.ts";

const NOW = Date.UTC(2026, 5, 1);
const source = (time: object = {}) =>
  liveSourceSchema.parse({
    name: "pumps",
    owner: "tests",
    time,
    pii: ["pulse"],
    columns: [
      { name: "pressure", unit: "bar", range: [0, 50] },
      { name: "pulse", range: [20, 220] },
      { name: "speed", type: "integer" },
    ],
  });
const of = (values: object, time: unknown = "2026-05-31T00:00:00Z") => ({ asset: "p1", time, values });
const SHAPE = "expected an object with asset or device, time and values";

it.each<[string, unknown, string, string]>([
  [
    "a broken line",
    "{broken",
    "not_a_reading",
    `${SHAPE}, found text that is not JSON [at character 2]: expected a key in quotes`,
  ],
  [
    "NaN",
    '{"v":NaN}',
    "not_a_reading",
    `${SHAPE}, found text that is not JSON [at character 6]: expected a finite number`,
  ],
  [
    "1e999",
    '{"v":1e999}',
    "not_a_reading",
    `${SHAPE}, found text that is not JSON [at character 6]: expected a number within ±1.8e308`,
  ],
  [
    "a key twice",
    '{"a":1,"a":2}',
    "not_a_reading",
    `${SHAPE}, found text that is not JSON [at character 8]: expected each key once`,
  ],
  ["no declared column", of({}), "no_values", "values: expected at least one of pressure, pulse, speed"],
  ["beyond the range", of({ pressure: 51 }), "out_of_range", "pressure: expected 0 to 50 bar, found 51"],
  ["a personal value", of({ pulse: 300 }), "out_of_range", "pulse: expected 20 to 220"],
  [
    "a number that is not exact",
    of({ speed: 2 ** 53 }),
    "not_a_number",
    "speed: expected a whole number within ±9007199254740991: one beyond is not exact",
  ],
  [
    "30 February",
    of({ speed: 1 }, "2026-02-30T00:00:00Z"),
    "bad_time",
    "time: there is no such date or time",
  ],
])("says of %s what is wrong", (_, reading, code, message) => {
  expect(createReadingCheck(source())(reading, NOW)).toEqual({ code, message });
});

it.each<[number, string, string]>([
  [
    NOW / 1_000,
    "old_time",
    "time: expected at most 3650d before now, in milliseconds since 1970; found a number that would be one in seconds: seconds?",
  ],
  [NOW * 1_000, "bad_time", "microseconds?"],
  [5, "old_time", "time: expected at most 3650d before now"],
])("asks of %d whether it is of another unit", (time, code, message) => {
  const fault = createReadingCheck(source({ epochUnit: "ms" }))(of({ speed: 1 }, time), NOW);
  expect(fault).toEqual({ code, message: expect.stringContaining(message) as string });
});
