import { expect, it } from "vitest";
import { parsePipeline } from "../schemas/pipeline/parse.ts";
import { pipelineHash } from "./work-inputs.ts";

const FILE = `
name: pump
sources:
  readings: { files: r.csv, columns: [{ name: voltage }, { name: failed, type: integer, use: label }] }
label: { kind: column, column: failed, positive: 1 }
task: { kind: class }
candidates: [{ kind: linear }]
`;
const hash = (more = "") => pipelineHash(parsePipeline(`${FILE}${more}\n`, "p.yaml").pipeline);

it("counts what the making of a version goes by, and nothing of its life afterwards", () => {
  for (const later of [
    "rollout: { shadow: false, steps: [{ share: 5, bake: 1h }] }",
    "approval: { quorum: 2 }",
    "monitoring: { every: 2h }",
    "retraining: { coolDown: 9d }",
    "performance: { minLabels: 50 }",
    "gates: [{ metric: rocAuc, min: 0.7 }]",
  ])
    expect(hash(later), later).toBe(hash());
  for (const before of [
    "monitoring: { minRows: 700 }",
    "split: { folds: 3 }",
    "costs: { missedFailure: 10, falseAlarm: 1 }",
    "description: others",
    "metrics: { primary: logLoss }",
  ])
    expect(hash(before), before).not.toBe(hash());
});
