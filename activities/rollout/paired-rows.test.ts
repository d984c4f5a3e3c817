import { describe, expect, it } from "vitest";
import type { PredictedRows } from "../performance/predicted-rows.ts";
import { counterparts, pairRows } from "./paired-rows.ts";

/** `[request, asset, t, answer]` of each row. */
type Given = readonly [string, string | null, number | null, number];

const rowsOf = (side: string, given: readonly Given[]): PredictedRows => ({
  total: given.length,
  learnt: 0,
  rows: given.map(([requestId, asset, t, value], i) => {
    return { predictionId: `${side}${i}`, requestId, asset, t, value, segment: "s" };
  }),
  answers: Float64Array.from(given, ([, , , value]) => value),
  width: 1,
});

const answersOf = ({ candidate, champion }: ReturnType<typeof pairRows>) => [
  [...candidate.answers],
  [...champion.answers],
];

describe("pairRows", () => {
  it("leaves out on both sides what one of them has not answered", () => {
    const candidate = rowsOf("a", [
      ["r1", "p", 1, 10],
      ["r3", "p", 3, 30],
      ["r4", "p", 4, 40],
    ]);
    const champion = rowsOf("b", [
      ["r1", "p", 1, 11],
      ["r2", "p", 2, 21],
      ["r3", "p", 3, 31],
    ]);
    expect(answersOf(pairRows(candidate, champion))).toEqual([
      [10, 30],
      [11, 31],
    ]);
  });

  it("pairs the rows of a request by asset and time, and by their order where those are not known", () => {
    const candidate = rowsOf("a", [
      ["r", "p", 1, 1],
      ["r", "q", 1, 2],
      ["r", null, null, 3],
      ["r", null, null, 4],
    ]);
    const champion = rowsOf("b", [
      ["r", null, null, 13],
      ["r", "q", 1, 12],
      ["r", "p", 1, 11],
      ["r", null, null, 14],
    ]);
    const pairs = pairRows(candidate, champion);
    expect(answersOf(pairs)).toEqual([
      [1, 2, 3, 4],
      [11, 12, 13, 14],
    ]);
    expect([...counterparts(pairs.candidate, pairs.champion)]).toEqual([
      ["b2", "a0"],
      ["b1", "a1"],
      ["b0", "a2"],
      ["b3", "a3"],
    ]);
  });

  it("judges no request of which one side has some rows only, and none where there is nothing", () => {
    const two: readonly Given[] = [
      ["r", null, null, 1],
      ["r", null, null, 2],
    ];
    expect(answersOf(pairRows(rowsOf("a", two), rowsOf("b", two.slice(1))))).toEqual([[], []]);
    expect(answersOf(pairRows(rowsOf("a", []), rowsOf("b", two)))).toEqual([[], []]);
  });

  it("keeps all outputs of a row together", () => {
    const wide = { ...rowsOf("a", [["r", "p", 1, 0]]), answers: Float64Array.of(0.2, 0.8), width: 2 };
    const pairs = pairRows(wide, wide);
    expect([...pairs.candidate.answers]).toEqual([0.2, 0.8]);
  });
});
