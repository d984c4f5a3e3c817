import { afterAll, beforeAll, expect, it } from "vitest";
import { trialViewSchema } from "../../../schemas/runs/trial.ts";
import type { TrialView } from "../../../schemas/runs/trial.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { refOf, runOf } from "../../support/registry-samples.ts";

const trialOf = (number: number, changes: Partial<TrialView> = {}): TrialView => ({
  candidate: "gbdt-1",
  number,
  state: "complete",
  parameters: { learningRate: 0.1 + 0.2, objective: "huber" },
  objectives: [{ metric: "rmse", value: 1e-300, loss: 1e-300 }],
  loss: 1e-300,
  metrics: { rmse: 1e-300 },
  folds: [{ repeat: 0, fold: 1, value: null, rounds: 12, rows: refOf("rows") }],
  seconds: 1.25,
  seed: 7,
  ...changes,
});

await describeWithServices("trials on PostgreSQL", () => {
  let test: TestDatabase;
  let db: Database;
  beforeAll(async () => {
    test = await createTestDatabase("trials");
    db = await createDatabase(test.url);
    await db.runs.create(runOf("r1"));
    await db.runs.create(runOf("r2"));
  });
  afterAll(async () => {
    await db.close();
    await test.drop();
  });

  it("come back as they were, by candidate and number, and the first result stays", async () => {
    const failed = trialOf(10, { state: "failed", loss: null, objectives: [], message: "a\0b" });
    const other = trialOf(0, { candidate: "forest-2" });
    for (const trial of [failed, trialOf(2), trialOf(1), other]) await db.trials.record("r1", trial);
    await db.trials.record("r1", trialOf(2, { seconds: 99 }));
    await db.trials.record("r2", trialOf(5));
    const found = await db.trials.list("r1");
    expect(found.map((trial) => trialViewSchema.parse(trial))).toEqual([
      other,
      trialOf(1),
      trialOf(2),
      { ...failed, message: "a\uFFFDb" },
    ]);
    expect(await db.trials.list("r1", "forest-2")).toEqual([other]);
    expect(await db.trials.list("unknown")).toEqual([]);
  });
});
