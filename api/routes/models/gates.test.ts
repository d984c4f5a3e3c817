import { expect, it } from "vitest";
import { boundGates } from "./gates.ts";

const version = (metrics: Record<string, number>) =>
  ({ model: "pump", version: 3, evaluation: { metrics: { test: metrics, cv: { rocAuc: 0.7 } } } }) as never;

it.each([
  ["at its bound", { rocAuc: 0.85 }, { min: 0.85 }, [true]],
  ["below it", { rocAuc: 0.8499999 }, { min: 0.85 }, [false]],
  ["above the most it may be", { rocAuc: 0.95 }, { min: 0.85, max: 0.9 }, [true, false]],
  ["of the folds", { rocAuc: 0.95 }, { min: 0.85, on: "cv" as const }, [false]],
])("holds a metric %s", (_name, metrics, bounds, passed) => {
  const found = boundGates(version(metrics), "auc", { on: "test", ...bounds });
  expect(found.map((gate) => gate.passed)).toEqual(passed);
  expect(found[0]?.detail).toContain("must be >= 0.85");
});

it("takes a metric's own name before one that people use for it, and knows no member of all objects", () => {
  expect(boundGates(version({ auc: 0.1, rocAuc: 0.9 }), "auc", { on: "test", max: 0.5 })[0]?.passed).toBe(
    true,
  );
  for (const name of ["f1", "constructor", "__proto__"])
    expect(() => boundGates(version({ rocAuc: 0.9 }), name, { on: "test", min: 0 })).toThrow(
      /it has no metric .* but rocAuc/,
    );
});
