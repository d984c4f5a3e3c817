import { openSync, readSync } from "node:fs";
import { rocAuc } from "../../numerics/metrics/binary.ts";
import { createExplainer } from "../../numerics/explain/explainer.ts";
import { Team } from "../../numerics/gbdt/threads/team.ts";
import { trainGbdt } from "../../numerics/gbdt/trainer.ts";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { exportOnnx, INPUT_NAME } from "../../numerics/onnx/export.ts";
import { predict } from "../../numerics/model.ts";
import type { RowReader } from "../../numerics/row-reader.ts";

/**
 * Ours in the train suite, in a process of its own, so that its peak memory is that of one training.
 *
 * Usage: ours-process.js FILE ROWS COLUMNS LEAVES ROUNDS THREADS FITS REPEATS [explain | predict FILE ROWS]
 */
const [path = "", ...numbers] = process.argv.slice(2);
const [nRows = 0, nColumns = 0, numLeaves = 0, nRounds = 0, nThreads = 1, nFits = 1, nRepeats = 1] = numbers
  .slice(0, 7)
  .map(Number);
const BATCH_ROWS = 10_000;
const PREDICT_ROWS = 65_536;
const PREDICT_REPEATS = 5;
const [more, askedPath = "", askedRows = "0"] = numbers.slice(7);
const nAsked = Number(askedRows);

let file = openSync(path, "r");
const width = nColumns + 1;
const batch = new Float64Array(BATCH_ROWS * width);
const batchBytes = new Uint8Array(batch.buffer);
/** What does not fit into memory comfortably is read from the file, batch by batch. */
const isLarge = nRows * nColumns > 100_000_000;
const values = readTargets();
const nTest = Math.min(100_000, Math.floor(nRows / 8));
const trainRows = new Int32Array(nRows - nTest).map((_, row) => row);
const team = new Team(nThreads);
const matrix = isLarge ? createReader() : { data: readRows(0, nRows), nRows, nColumns };
const input = {
  matrix,
  target: { taskKind: "binary" as const, values },
  trainRows,
  seed: 1,
  team,
  parameters: { numIterations: nRounds, numLeaves },
};

const seconds: number[] = [];
// Warm, on as many rows as the peers are warmed on.
let model = trainGbdt({ ...input, trainRows: trainRows.subarray(0, 1000) }).model;
for (let repeat = 0; repeat < nRepeats; repeat++) {
  const start = performance.now();
  for (let fit = 0; fit < nFits; fit++) model = trainGbdt({ ...input, seed: fit + 1 }).model;
  seconds.push((performance.now() - start) / 1000);
}
const peakRssMiB = process.resourceUsage().maxRSS / 1024;
await team.close();

const test = { data: readRows(nRows - nTest, nRows), nRows: nTest, nColumns };
const report = {
  seconds: median(seconds),
  peakRssMiB,
  auc: rocAuc(values.subarray(nRows - nTest), predict(model, test).values),
  ...(more === "explain" ? { explainSeconds: explain() } : {}),
  ...(more === "predict" ? { predictSeconds: await measurePredictions() } : {}),
};
process.stdout.write(`${JSON.stringify({ version: "aura", metrics: report })}\n`);

function readTargets(): Float64Array {
  const targets = new Float64Array(nRows);
  eachBatch(0, nRows, (begin, n) => {
    for (let row = 0; row < n; row++) targets[begin + row] = batch[row * width + nColumns] ?? 0;
  });
  return targets;
}

function readRows(begin: number, end: number): Float64Array {
  const features = new Float64Array((end - begin) * nColumns);
  eachBatch(begin, end, (first, n) => {
    for (let row = 0; row < n; row++) {
      features.set(batch.subarray(row * width, row * width + nColumns), (first - begin + row) * nColumns);
    }
  });
  return features;
}

function eachBatch(begin: number, end: number, use: (begin: number, n: number) => void): void {
  for (let from = begin; from < end; from += BATCH_ROWS) {
    const n = Math.min(BATCH_ROWS, end - from);
    readInto(from, n);
    use(from, n);
  }
}

function readInto(from: number, n: number): void {
  readSync(file, batchBytes, 0, n * width * 8, from * width * 8);
}

/** Reads what lies close together at once, and rows that lie alone by themselves. */
function createReader(): RowReader {
  return {
    nRows,
    nColumns,
    read(rows, target) {
      let index = 0;
      while (index < rows.length) {
        const first = rows[index] ?? 0;
        let end = index + 1;
        while (end < rows.length && (rows[end] ?? 0) - first < BATCH_ROWS) end++;
        const span = (rows[end - 1] ?? 0) - first + 1;
        const isDense = 8 * (end - index) > span;
        if (isDense) readInto(first, span);
        for (; index < end; index++) {
          const row = rows[index] ?? 0;
          if (!isDense) readInto(row, 1);
          const from = isDense ? (row - first) * width : 0;
          target.set(batch.subarray(from, from + nColumns), index * nColumns);
        }
      }
    },
  };
}

function explain(): number {
  const start = performance.now();
  const explainer = createExplainer(model);
  const contributions = new Float64Array(nColumns);
  for (let row = 0; row < 10_000; row++) explainer.explain(test.data, row * nColumns, contributions);
  return (performance.now() - start) / 1000;
}

/** Through ONNX Runtime, from the exported graph, in batches as fleet scores run. */
async function measurePredictions(): Promise<number> {
  const onnx = exportOnnx(model, {
    featureNames: Array.from({ length: nColumns }, (_, column) => `x${column}`),
    taskKind: "binary",
  });
  const options = { intraOpNumThreads: nThreads, interOpNumThreads: 1 };
  const session = await InferenceSession.create(onnx, options);
  file = openSync(askedPath, "r");
  const asked = readRows(0, nAsked);
  const list: number[] = [];
  for (let repeat = 0; repeat < PREDICT_REPEATS; repeat++) {
    const start = performance.now();
    for (let begin = 0; begin < nAsked; begin += PREDICT_ROWS) {
      const n = Math.min(PREDICT_ROWS, nAsked - begin);
      const part = asked.subarray(begin * nColumns, (begin + n) * nColumns);
      await session.run({ [INPUT_NAME]: new Tensor("float64", part, [n, nColumns]) });
    }
    list.push((performance.now() - start) / 1000);
  }
  return median(list);
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
}
