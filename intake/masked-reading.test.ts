import { describe, expect, it } from "vitest";
import { maskedReading, renamedReading, unmaskedReading } from "./masked-reading.ts";

const column = (name: string) => ({ name, type: "float" as const, nullable: true, use: "feature" as const });
const source = { columns: [column("pulse"), column("pressure")], pii: ["pulse"] };
const SENT = {
  asset: "p1",
  time: "2026-04-05T10:00:00Z",
  values: { pulse: 91, pressure: 4.2, Pulse: 91, gone: null },
};
const SHOWN = {
  asset: "p1",
  time: "2026-04-05T10:00:00Z",
  values: { pulse: "***", pressure: 4.2, Pulse: "***", gone: null },
};

describe("readings that were set aside", () => {
  it.each<[string, unknown, unknown]>([
    ["personal values, and those of columns that nobody declared", SENT, SHOWN],
    ["members that no reading has", { asset: "p1", driver: "Ada" }, { asset: "p1", driver: "***" }],
    ["nested values", { asset: { name: "Ada" }, values: [91] }, { asset: "***", values: "***" }],
    ["text that is no reading", "Ada;91;4.2", "***"],
    ["a list", ["Ada"], "***"],
  ])("mask %s", (_, sent, shown) => {
    expect(maskedReading(sent, source)).toEqual(shown);
  });

  it("are shown as they are where nothing is personal", () => {
    expect(maskedReading(SENT, { ...source, pii: [] })).toBe(SENT);
  });

  it("get back what was masked when the rest is mended", () => {
    const mended = { ...SHOWN, values: { ...SHOWN.values, pressure: 4.3 } };
    expect(unmaskedReading(mended, SENT)).toEqual({ ...SENT, values: { ...SENT.values, pressure: 4.3 } });
    expect(unmaskedReading({ values: { pulse: 90 } }, SENT)).toEqual({ values: { pulse: 90 } });
    expect(() => unmaskedReading({ values: { other: "***" } }, SENT)).toThrow(
      "other is masked, and nothing was sent",
    );
  });

  it("get their values under the column that was meant, unseen", () => {
    const sent = { asset: "p1", values: { Pulse: 91, pressure: 4.2 } };
    const renamed = renamedReading(sent, { Pulse: "pulse" }, source);
    expect(renamed).toEqual({ asset: "p1", values: { pulse: 91, pressure: 4.2 } });
    expect(unmaskedReading({ asset: "p1", values: { pulse: "***", pressure: 4.3 } }, renamed)).toEqual({
      asset: "p1",
      values: { pulse: 91, pressure: 4.3 },
    });
    expect(renamedReading(sent, {}, source)).toBe(sent);
  });

  it.each<[string, Record<string, string>, string]>([
    ["what was not sent", { speed: "pulse" }, "no value was sent as speed"],
    ["to what is no column", { Pulse: "puls" }, "expected a column of the source"],
    ["over another value", { Pulse: "pressure" }, "there is a value of pressure already"],
    ["to a column that everybody sees", { Pulse: "flow" }, "is not to be seen"],
  ])("are not renamed: %s", (_, renamed, problem) => {
    const sent = { values: { Pulse: 91, pressure: 4.2 } };
    const withFlow = { ...source, columns: [...source.columns, column("flow")] };
    expect(() => renamedReading(sent, renamed, withFlow)).toThrow(problem);
  });
});
