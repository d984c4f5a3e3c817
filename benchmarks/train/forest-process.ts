import { readFileSync } from "node:fs";
import { trainForest } from "../../numerics/forest/trainer.ts";
import { Team } from "../../numerics/gbdt/threads/team.ts";
import { selectRows } from "../../numerics/matrix.ts";
import { rocAuc } from "../../numerics/metrics/binary.ts";
import { predict } from "../../numerics/model.ts";

/**
 * Our forest in the train suite, in a process of its own.
 *
 * Usage: forest-process.js SPLITTER FILE ROWS COLUMNS TREES LEAF THREADS REPEATS   (SPLITTER: best or random)
 */
const [splitter = "", path = "", ...numbers] = process.argv.slice(2);
const [nRows = 0, nColumns = 0, numTrees = 0, minSamplesLeaf = 1, nThreads = 1, nRepeats = 1] =
  numbers.map(Number);
if (splitter !== "best" && splitter !== "random") {
  throw new RangeError(`splitter: expected best or random, got ${splitter}`);
}

const bytes = readFileSync(path);
const table = new Float64Array(bytes.buffer, bytes.byteOffset, nRows * (nColumns + 1));
const width = nColumns + 1;
const values = Float64Array.from({ length: nRows }, (_, row) => table[row * width + nColumns] ?? 0);
const data = new Float64Array(nRows * nColumns);
for (let row = 0; row < nRows; row++) {
  data.set(table.subarray(row * width, row * width + nColumns), row * nColumns);
}
const nTest = Math.min(100_000, Math.floor(nRows / 8));
const rows = new Int32Array(nRows).map((_, row) => row);
const trainRows = rows.subarray(0, nRows - nTest);
const matrix = { data, nRows, nColumns };
const team = new Team(nThreads);
const input = { matrix, target: { taskKind: "binary" as const, values }, trainRows, team };
const parameters = { numTrees, minSamplesLeaf, splitter } as const;

const seconds: number[] = [];
// Warm, on as many rows as the peer is warmed on.
let model = trainForest({
  ...input,
  trainRows: trainRows.subarray(0, 1000),
  parameters: { ...parameters, numTrees: 2 },
  seed: 0,
});
for (let repeat = 0; repeat < nRepeats; repeat++) {
  const start = performance.now();
  model = trainForest({ ...input, parameters, seed: repeat + 1 });
  seconds.push((performance.now() - start) / 1000);
}
const peakRssMiB = process.resourceUsage().maxRSS / 1024;
await team.close();

const held = rows.subarray(nRows - nTest);
const metrics = {
  seconds: seconds.toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? Number.NaN,
  peakRssMiB,
  auc: rocAuc(values.subarray(nRows - nTest), predict(model, selectRows(matrix, held)).values),
};
process.stdout.write(`${JSON.stringify({ version: "aura", metrics })}\n`);
