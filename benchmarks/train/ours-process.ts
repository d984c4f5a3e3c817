import { openSync, readSync } from "node:fs";
import { rocAuc } from "../../numerics/metrics/binary.ts";
import { createExplainer } from "../../numerics/explain/explainer.ts";
import { Team } from "../../numerics/gbdt/threads/team.ts";
import { trainGbdt } from "../../numerics/gbdt/trainer.ts";
import { predict } from "../../numerics/model.ts";

/**
 * Ours in the train suite, in a process of its own, so that its peak memory is that of one training.
 *
 * Usage: ours-process.js FILE ROWS COLUMNS LEAVES ROUNDS THREADS FITS REPEATS [explain]
 */
const [path = "", ...numbers] = process.argv.slice(2);
const [nRows = 0, nColumns = 0, numLeaves = 0, nRounds = 0, nThreads = 1, nFits = 1, nRepeats = 1] = numbers
  .slice(0, 7)
  .map(Number);
const isExplaining = numbers[7] === "explain";

const { data, values } = readRows();
const nTest = Math.min(100_000, Math.floor(nRows / 8));
const trainRows = Int32Array.from({ length: nRows - nTest }, (_, row) => row);
const team = new Team(nThreads);
const matrix = { data, nRows, nColumns };
const input = {
  matrix,
  target: { taskKind: "binary" as const, values },
  trainRows,
  seed: 1,
  team,
  parameters: { numIterations: nRounds, numLeaves },
};

const seconds: number[] = [];
let model = trainGbdt({ ...input, parameters: { numIterations: 1, numLeaves: 2 } }).model;
for (let repeat = 0; repeat < nRepeats; repeat++) {
  const start = performance.now();
  for (let fit = 0; fit < nFits; fit++) model = trainGbdt({ ...input, seed: fit + 1 }).model;
  seconds.push((performance.now() - start) / 1000);
}
const peakRssMiB = process.resourceUsage().maxRSS / 1024;
await team.close();

const test = { data: data.subarray((nRows - nTest) * nColumns), nRows: nTest, nColumns };
const report = {
  seconds: median(seconds),
  peakRssMiB,
  auc: rocAuc(values.subarray(nRows - nTest), predict(model, test).values),
  ...(isExplaining ? { explainSeconds: explain() } : {}),
};
process.stdout.write(`${JSON.stringify({ version: "aura", metrics: report })}\n`);

/** Features in memory that threads share, and the target. */
function readRows() {
  const width = nColumns + 1;
  const features = new Float64Array(new SharedArrayBuffer(nRows * nColumns * 8));
  const targets = new Float64Array(nRows);
  const batch = new Float64Array(10_000 * width);
  const bytes = new Uint8Array(batch.buffer);
  const file = openSync(path, "r");
  for (let from = 0; from < nRows; from += 10_000) {
    const n = Math.min(10_000, nRows - from);
    readSync(file, bytes, 0, n * width * 8, from * width * 8);
    for (let row = 0; row < n; row++) {
      features.set(batch.subarray(row * width, row * width + nColumns), (from + row) * nColumns);
      targets[from + row] = batch[row * width + nColumns] ?? 0;
    }
  }
  return { data: features, values: targets };
}

function explain(): number {
  const start = performance.now();
  const explainer = createExplainer(model);
  const contributions = new Float64Array(nColumns);
  for (let row = 0; row < 10_000; row++) explainer.explain(test.data, row * nColumns, contributions);
  return (performance.now() - start) / 1000;
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
}
