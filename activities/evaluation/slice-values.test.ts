import { describe, expect, it } from "vitest";
import { foldRareValues, regimeText, shownText, SHOWN_CHARACTERS, SHOWN_VALUES } from "./slice-values.ts";

const asIs = (text: string) => text;

describe("foldRareValues", () => {
  it("numbers values by their rows, then by their text, whatever the order of the rows", () => {
    const rows = ["b", "c", "b", "a", "c"];
    const { codes, values } = foldRareValues(rows, asIs);
    expect(values).toEqual([{ value: "b" }, { value: "c" }, { value: "a" }]);
    expect([...codes]).toEqual([0, 1, 0, 2, 1]);
    expect(foldRareValues(rows.toReversed(), asIs).values).toEqual(values);
  });

  it("puts the rare and the missing in buckets that no value can imitate", () => {
    const rare = Array.from({ length: SHOWN_VALUES + 5 }, (_, i) => `v${String(i).padStart(3, "0")}`);
    const { codes, values } = foldRareValues(["(other)", "(other)", null, ...rare], asIs);
    expect(values).toHaveLength(SHOWN_VALUES + 2);
    expect(values[0]).toEqual({ value: "(other)" });
    expect(values.slice(-2)).toEqual([
      { value: "6 rarer values", bucket: "other" },
      { value: "no value", bucket: "missing" },
    ]);
    expect(codes.slice(0, 3)).toEqual(Int32Array.of(0, 0, SHOWN_VALUES + 1));
    expect([...codes].filter((code) => code === SHOWN_VALUES)).toHaveLength(6);
  });

  it("shows a single rare value as itself", () => {
    const texts = Array.from({ length: SHOWN_VALUES + 1 }, (_, i) => `v${i}`);
    expect(foldRareValues(texts, asIs).values.every(({ bucket }) => bucket === undefined)).toBe(true);
  });

  it("takes no rows and only missing ones", () => {
    expect(foldRareValues([], asIs).values).toEqual([]);
    expect(foldRareValues([null], asIs).values).toEqual([{ value: "no value", bucket: "missing" }]);
  });
});

describe("shownText", () => {
  it.each([
    ["a line break and an escape", "a\nb\u001b[31m", "a\ufffdb\ufffd[31m"],
    ["a change of direction", "abc\u202efdp.exe", "abc\ufffdfdp.exe"],
    ["markup, which the page escapes", "<script>", "<script>"],
    ["what is no control", "Ölpumpe № 3 😀", "Ölpumpe № 3 😀"],
  ])("keeps out %s", (_name, given, shown) => expect(shownText(given)).toBe(shown));

  it("is bounded, in whole characters", () => {
    const text = shownText("😀".repeat(500));
    expect(Array.from(text)).toHaveLength(SHOWN_CHARACTERS);
    expect(text.endsWith("😀…")).toBe(true);
  });
});

it("names a regime by the settings at its centre", () => {
  const regimes = {
    columns: ["altitude", "mach"],
    centres: [
      [-1, 0],
      [1, 2],
    ],
    settingMeans: [20, 0.5],
    settingScales: [10, 0.1],
    normalized: [],
    means: [],
    scales: [],
  };
  expect(regimeText(regimes, 2)).toBe("2: altitude 30, mach 0.7");
});
