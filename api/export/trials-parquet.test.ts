import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { TrialView } from "../../schemas/runs/trial.ts";
import { createDuckDb } from "../../stores/duckdb/duckdb.ts";
import { trialsAsParquet } from "./trials-parquet.ts";

const trialOf = (number: number): TrialView => ({
  candidate: "gbdt-1",
  number,
  state: "complete",
  parameters: { learningRate: 0.1 + 0.2, objective: 'it\'s "quoted"' },
  objectives: [{ metric: "rmse", value: number / 3, loss: number / 3 }],
  loss: number / 3,
  metrics: { rmse: number / 3 },
  folds: [],
  seconds: 1,
  seed: 7,
});

it("holds every trial in order, doubles bit by bit, and leaves nothing behind", async () => {
  const folder = await mkdtemp(join(tmpdir(), "aura-trials-"));
  const trials = Array.from({ length: 12 }, (_, number) => trialOf(number));
  const bytes = await trialsAsParquet(trials, folder);
  expect(await readdir(folder)).toEqual([]);
  const path = join(folder, "trials.parquet");
  await writeFile(path, bytes);
  const duckdb = await createDuckDb({ directories: [folder] });
  try {
    const rows = await duckdb.query(`SELECT * FROM ${await duckdb.parquet([path])}`);
    expect(rows.map((row) => [row["number"], row["loss"]])).toEqual(trials.map((t) => [t.number, t.loss]));
    expect(rows[3]).toMatchObject({
      candidate: "gbdt-1",
      "param.learningRate": 0.1 + 0.2,
      "param.objective": 'it\'s "quoted"',
      message: null,
    });
  } finally {
    duckdb.close();
    await rm(folder, { recursive: true, force: true });
  }
});
