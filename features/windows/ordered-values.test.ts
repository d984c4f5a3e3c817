import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OrderedValues } from "./ordered-values.ts";

describe("values in order", () => {
  it("has the k-th smallest of what was put in and not taken out, with equal and extreme values", () => {
    const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true }));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 200 }), fc.integer({ min: 1, max: 40 }), (values, width) => {
        const ordered = new OrderedValues();
        values.forEach((next, i) => {
          ordered.insert(next);
          if (i >= width) ordered.remove(values[i - width] as number);
          const window = values.slice(Math.max(0, i - width + 1), i + 1).toSorted((a, b) => a - b);
          expect(ordered.size).toBe(window.length);
          const seen = window.map((_, k) => ordered.at(k));
          seen.forEach((one, k) => expect(one === window[k]).toBe(true));
        });
      }),
      { numRuns: 100, seed: 5 },
    );
  });

  it("has nothing beyond its ends, and refuses to remove what is not there", () => {
    const ordered = new OrderedValues();
    expect(ordered.at(0)).toBeNaN();
    ordered.insert(2);
    expect([ordered.at(-1), ordered.at(0), ordered.at(1)]).toEqual([NaN, 2, NaN]);
    expect(() => ordered.remove(3)).toThrow(RangeError);
  });

  it("stays shallow when values come sorted: a list of them would exhaust the stack", () => {
    const ordered = new OrderedValues();
    const n = 100_000;
    for (let i = 0; i < n; i++) ordered.insert(i);
    expect(ordered.at(n >> 1)).toBe(n >> 1);
    for (let i = 0; i < n; i += 2) ordered.remove(i);
    expect(ordered.at(0)).toBe(1);
  });
});
