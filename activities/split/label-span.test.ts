import { describe, expect, it } from "vitest";
import type { Label, Task } from "../../schemas/pipeline/label.ts";
import { labelReach, labelSpan } from "./label-span.ts";

const HOUR_US = 3_600_000_000;
const ends: Label = { kind: "end_of_life", ends: [{ at: "last_reading" }] };
const rul: Task = { kind: "rul" };
const within = (horizon: string | number): Task => ({ kind: "failure_within", horizon });

describe("labelSpan", () => {
  it.each<[string, Task, Label, "cycle" | "timestamp" | "none", number]>([
    ["a horizon of cycles", within(30), ends, "cycle", 30],
    ["a horizon of hours", within("72h"), ends, "timestamp", 72 * HOUR_US],
    ["a cap of cycles", rul, { ...ends, cap: 125 }, "cycle", 125],
    ["a cap in days", rul, { ...ends, cap: "30d" }, "timestamp", 720 * HOUR_US],
    ["a bare cap, in hours", rul, { ...ends, cap: 720 }, "timestamp", 720 * HOUR_US],
    ["no cap", rul, ends, "cycle", 0],
    ["a class", { kind: "class" }, { kind: "column", column: "x" }, "none", 0],
  ])("is that of %s", (_name, task, label, timeKind, span) => {
    expect(labelSpan({ task, label }, timeKind)).toBe(span);
  });
});

describe("labelReach", () => {
  const lives = Float64Array.of(0, 0.1, 500, Number.NaN);
  it("ends with the life or at the cap", () => {
    const table = { y: lives, yRaw: lives };
    const capped = { task: rul, label: { ...ends, cap: 2 } };
    expect([...labelReach(capped, "timestamp", table)]).toEqual([0, HOUR_US / 10, 2 * HOUR_US, Number.NaN]);
    expect(labelReach({ task: rul, label: ends }, "cycle", table)[2]).toBe(500);
  });
  it("is the cap where only that is known to be reached", () => {
    const table = { y: Float64Array.of(2), yRaw: Float64Array.of(Number.NaN) };
    expect(labelReach({ task: rul, label: { ...ends, cap: 2 } }, "timestamp", table)[0]).toBe(2 * HOUR_US);
  });
  it("is the whole horizon: that nothing failed is known only when it is over", () => {
    const table = { y: lives, yRaw: lives };
    expect([...labelReach({ task: within(9), label: ends }, "cycle", table)]).toEqual([9, 9, 9, 9]);
  });
});
