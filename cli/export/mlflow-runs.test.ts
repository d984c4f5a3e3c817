import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { RunView } from "../../schemas/runs/run.ts";
import type { TrialCurves, TrialView } from "../../schemas/runs/trial.ts";
import { writeMlflowRuns } from "./mlflow-runs.ts";

const run = {
  runId: "run-1",
  pipeline: "pumps",
  model: "pumps",
  status: "finished",
  outcome: "promoted",
  version: 3,
  dataset: "d".repeat(64),
  metrics: { test: { rmse: 2.5 }, cv: { rmse: 3 } },
  evaluation: {
    candidate: "found",
    candidates: [{ name: "found", kind: "gbdt", cv: { rmse: 3 } }],
    primaryMetric: "rmse",
    rows: { train: 80, test: 20, cv: 80 },
  },
  requestedBy: "ann",
  startedAt: "2026-01-01T00:00:00.000Z",
  finishedAt: "2026-01-01T00:01:00.000Z",
} as unknown as RunView;
const trial = {
  candidate: "found",
  number: 0,
  state: "pruned",
  parameters: { numLeaves: 7 },
  metrics: { rmse: 4 },
  objectives: [{ metric: "rmse", value: 4 }],
  folds: [{ value: 5 }, { value: null }],
  seconds: 1.5,
  seed: 7,
} as unknown as TrialView;
const curves = { folds: [{ repeat: 0, fold: 1, history: [0.5, 0.25] }] } as unknown as TrialCurves;

describe("writeMlflowRuns", () => {
  const folder = mkdtempSync(join(tmpdir(), "aura-mlflow-"));
  let entries: Map<string, string>;

  beforeAll(async () => {
    await writeMlflowRuns({ folder, run, trials: [trial], curvesOf: async () => curves });
    const [experiment = ""] = readdirSync(folder);
    const inside = join(folder, experiment);
    const names = readdirSync(inside).filter((name) => name !== "meta.yaml");
    entries = new Map(
      names.map((name) => [
        readFileSync(join(inside, name, "tags/mlflow.runName"), "utf8"),
        join(inside, name),
      ]),
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const read = (entry: string, path: string) => readFileSync(join(entries.get(entry) ?? "", path), "utf8");

  it("writes the run with its version's metrics and what was trained", () => {
    expect(parse(read("pumps@3", "meta.yaml"))).toMatchObject({
      status: 3,
      start_time: 1_767_225_600_000,
      end_time: 1_767_225_660_000,
      user_id: "ann",
    });
    expect(read("pumps@3", "metrics/test_rmse")).toBe("1767225660000 2.5 0\n");
    expect(read("pumps@3", "metrics/cv_rmse")).toBe("1767225660000 3 0\n");
    expect(read("pumps@3", "params/kind")).toBe("gbdt");
    expect(JSON.parse(read("pumps@3", "artifacts/evaluation.json"))).toMatchObject({ candidate: "found" });
    expect(read("pumps@3", "tags/aura.version")).toBe("pumps@3");
  });

  it("writes trials nested in it, with steps of folds and of rounds", () => {
    const parent = parse(read("pumps@3", "meta.yaml")) as { run_id: string };
    expect(read("found-0", "tags/mlflow.parentRunId")).toBe(parent.run_id);
    expect(parse(read("found-0", "meta.yaml"))).toMatchObject({ status: 5, run_name: "found-0" });
    expect(read("found-0", "params/numLeaves")).toBe("7");
    expect(read("found-0", "metrics/rmse_folds")).toBe("1767225601500 5 0\n1767225601500 nan 1\n");
    expect(read("found-0", "metrics/curve_0_1")).toBe("1767225601500 0.5 0\n1767225601500 0.25 1\n");
  });

  it("writes a run that failed, without what it does not have", async () => {
    const failed = { ...run, runId: "run-2", status: "failed", version: undefined, metrics: undefined };
    const { evaluation: _evaluation, ...rest } = failed;
    const other = join(folder, "other");
    await writeMlflowRuns({
      folder: other,
      run: rest as unknown as RunView,
      trials: [],
      curvesOf: async () => curves,
    });
    const [experiment = ""] = readdirSync(other);
    const [entry = ""] = readdirSync(join(other, experiment)).filter((name) => name !== "meta.yaml");
    expect(parse(readFileSync(join(other, experiment, entry, "meta.yaml"), "utf8"))).toMatchObject({
      status: 4,
      run_name: "pumps",
    });
    expect(readdirSync(join(other, experiment, entry, "artifacts"))).toEqual([]);
  });
});
