import { describe, expect, it } from "vitest";
import { createGenerator } from "../random/generator.ts";
import { concordanceIndex } from "./concordance.ts";

/** Every pair, as lifelines says which are known and which agree (`lifelines.utils.concordance`). */
function byPairs(
  lives: readonly number[],
  isBound: readonly number[],
  predictions: readonly number[],
): number {
  let agreed = 0;
  let known = 0;
  for (let a = 0; a < lives.length; a++) {
    for (let b = 0; b < lives.length; b++) {
      const isKnown =
        isBound[a] === 0 && (lives[a] < lives[b] || (a !== b && lives[a] === lives[b] && isBound[b] === 1));
      if (!isKnown) continue;
      known++;
      agreed += predictions[a] < predictions[b] ? 1 : predictions[a] === predictions[b] ? 0.5 : 0;
    }
  }
  return agreed / known;
}

describe("concordanceIndex", () => {
  it.each([1, 2, 3, 4])("is that of all pairs, with ties in lives and predictions (seed %d)", (seed) => {
    const generator = createGenerator(`concordance/${seed}`);
    const n = 300;
    const lives = Array.from({ length: n }, () => generator.integer(40));
    const isBound = Array.from({ length: n }, () => (generator.next() < 0.6 ? 1 : 0));
    const predictions = lives.map((life) => Math.round(life + 15 * generator.normal()));
    const index = concordanceIndex({ lives, isBound, predictions });
    expect(index).toBeCloseTo(byPairs(lives, isBound, predictions), 12);
    expect(index).toBeGreaterThan(0.6);
  });

  it.each([
    ["in order", [1, 2, 3], [0, 0, 0], [10, 20, 30], 1],
    ["reversed", [1, 2, 3], [0, 0, 0], [30, 20, 10], 0],
    ["a constant", [1, 2, 3], [0, 1, 0], [5, 5, 5], 0.5],
    ["a bound that says nothing of the longer life", [1, 2], [1, 0], [9, 1], Number.NaN],
    ["a bound equal to an end is the longer life", [2, 2], [1, 0], [9, 1], 1],
    ["bounds alone", [1, 2], [1, 1], [1, 2], Number.NaN],
  ])("%s", (_name, lives, isBound, predictions, expected) => {
    expect(concordanceIndex({ lives, isBound, predictions })).toBe(expected);
  });

  it("refuses what is no number", () => {
    expect(() => concordanceIndex({ lives: [1, Number.NaN], isBound: [0, 1], predictions: [1, 2] })).toThrow(
      RangeError,
    );
    expect(() => concordanceIndex({ lives: [1], isBound: [0, 1], predictions: [1] })).toThrow(RangeError);
  });
});
