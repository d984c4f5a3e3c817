import { describe, expect, it } from "vitest";
import { predict } from "../../numerics/model.ts";
import { createGenerator } from "../../numerics/random/generator.ts";
import type { TaskTarget } from "../../numerics/task-kind.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { fitCandidate } from "./fit-candidate.ts";
import { classWeightsOf } from "./weights.ts";

const LABELS = ["jam", "leak", "ok"];
const N_ROWS = 400;

/** Three classes of 1, 3 and 6 rows in ten, which one feature hints at. */
function createTarget() {
  const random = createGenerator(2);
  const values = Float64Array.from({ length: N_ROWS }, (_, row) => (row % 10 < 1 ? 0 : row % 10 < 4 ? 1 : 2));
  const data = Float64Array.from(values, (value) => value + 1.5 * random.normal());
  const target: TaskTarget = { taskKind: "multiclass", values, nClasses: 3 };
  return { matrix: { data, nRows: N_ROWS, nColumns: 1 }, target };
}

const { matrix, target } = createTarget();
const rows = Int32Array.from({ length: N_ROWS }, (_, row) => row);

function weightsOf(classWeight: Candidate["classWeight"], of: TaskTarget = target) {
  const candidate = { kind: "gbdt", params: {}, seeds: 1, classWeight } as Candidate;
  return classWeightsOf(candidate, { target: of, classLabels: LABELS }, rows);
}

describe("class weights of a candidate", () => {
  it.each([
    ["none", undefined, undefined],
    ["factors of all classes, in any order", { ok: 1, jam: 5, leak: 2 }, [5, 2, 1]],
    ["a factor of one class: the others weigh 1", { leak: 0.5 }, [1, 0.5, 1]],
    ["balanced", "balanced", [10 / 3, 10 / 9, 10 / 18]],
  ] as const)("%s", (_name, classWeight, expected) => {
    const found = weightsOf(classWeight);
    if (expected === undefined) expect(found).toBeUndefined();
    else expected.forEach((factor, code) => expect(found?.[code]).toBeCloseTo(factor, 12));
  });

  it("are the weight of the positive one of two", () => {
    const binary: TaskTarget = {
      taskKind: "binary",
      values: target.values.map((value) => Math.min(1, value)),
    };
    expect(weightsOf(5, binary)).toEqual([1, 5]);
  });

  it.each(["jamm", "constructor", "__proto__"])(
    "refuse the class %s, which the label does not have",
    (name) => {
      const factors = Object.fromEntries([
        ["jam", 2],
        [name, 5],
      ]);
      expect(() => weightsOf(factors)).toThrow(
        new RangeError(`classWeight must name classes of the label (jam, leak, ok), got ${name}`),
      );
    },
  );

  it.each(["gbdt", "forest", "linear"] as const)(
    "make %s answer the class with a greater factor more often",
    (kind) => {
      const params = kind === "gbdt" ? { numIterations: 10 } : {};
      const meanOfJam = (classWeight: Candidate["classWeight"]) => {
        const candidate = { kind, params, seeds: 1, ...(classWeight === undefined ? {} : { classWeight }) };
        const request = { matrix, categorical: [], featureNames: ["x"], target, classLabels: LABELS };
        const { model } = fitCandidate({ ...request, candidate, trainRows: rows, seed: 1 }, {});
        const { values } = predict(model, matrix);
        return values.reduce((sum, value, at) => sum + (at % 3 === 0 ? value : 0), 0) / N_ROWS;
      };
      const plain = meanOfJam(undefined);
      expect(meanOfJam({ jam: 1, ok: 1 })).toBe(plain);
      expect(meanOfJam({ jam: 5 })).toBeGreaterThan(plain + 0.02);
      expect(meanOfJam({ jam: 0.1 })).toBeLessThan(plain);
    },
  );
});
