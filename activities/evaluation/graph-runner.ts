import type { InferencePool } from "../../inference/pool.ts";
import type { GoldenVectors } from "../../inference/served-model.ts";
import { medianIndex } from "../../numerics/forecast/forecast-rule.ts";
import { compareOutputs } from "../../numerics/onnx/parity.ts";
import { OUTPUT_NAMES } from "../../numerics/onnx/export.ts";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import type { ProblemKind } from "../../schemas/pipeline/label.ts";
import { PlatformError } from "../../schemas/platform-error.ts";

/** Largest allowed |graph − trainer| / max(1, |trainer|): a condition of registration. */
export const PARITY_LIMIT = 1e-5;

/**
 * An answer must be bit-equal alone and in any batch: rows are asked again one by one (all of them up to this many, else
 * evenly spread), and all rows again in pieces of an odd size, so that every row has another place in another batch.
 */
const ALONE_ROWS = 2_000;
const ODD_BATCH_ROWS = 37;

export interface GraphRun {
  readonly outputs: Float64Array;
  readonly nOutputs: number;
}

export interface GraphInput {
  readonly onnx: Uint8Array;
  readonly problem: ProblemKind;
  readonly nFeatures: number;
  readonly inputs: Float64Array;
  readonly nRows: number;
  /** The trainer's answers for the same rows, row-major. */
  readonly expected: Float64Array;
}

/** Rows that every loaded copy of the graph must answer as the trainer did. */
export const GOLDEN_ROWS = 16;

let nUses = 0;

/**
 * A key for one use of a graph in the pool. Under a shared one, two activities that ask the same graph at a time would
 * unload it for each other, as a reproduction does beside the run that it repeats.
 */
export function keyOfUse(graph: string): string {
  nUses += 1;
  return `${graph}-${nUses}`;
}

/** Runs a graph in the inference children on all rows, then forgets it. */
export async function runGraph(pool: InferencePool, given: GraphInput): Promise<GraphRun> {
  const sha256 = sha256Hex(given.onnx);
  const key = keyOfUse(`evaluate-${sha256}`);
  await pool.load({
    key,
    bytes: given.onnx,
    sha256,
    nFeatures: given.nFeatures,
    outputName: OUTPUT_NAMES[given.problem],
    golden: goldenOf(given),
  });
  try {
    const { values, nOutputs } = await pool.predict(key, given.inputs, given.nRows);
    await requireEqualInAnyBatch(pool, key, { ...given, values, nOutputs, tolerance: 0 });
    return { outputs: values, nOutputs };
  } finally {
    await pool.unload(key);
  }
}

/** The first rows, which stand for all: parity is checked on every row beside this. */
export function goldenOf(
  given: Pick<GraphInput, "inputs" | "nRows" | "nFeatures" | "expected">,
): GoldenVectors {
  const nRows = Math.min(GOLDEN_ROWS, given.nRows);
  const nOutputs = given.expected.length / given.nRows;
  return {
    nRows,
    rows: given.inputs.slice(0, nRows * given.nFeatures),
    outputs: given.expected.slice(0, nRows * nOutputs),
  };
}

/**
 * Ours are written so that an answer has the same bits in any batch. Graphs of other exporters use operators whose vector
 * code rounds otherwise for the rest of a batch (numerics/onnx/export.ts), in float32 by some 1e-7.
 */
const FOREIGN_TOLERANCE = 1e-6;

/** Answers of a graph that no trainer stands beside: it is held to itself alone. */
export async function runForeignGraph(
  pool: InferencePool,
  given: Omit<GraphInput, "expected">,
  askMore?: (predict: (rows: Float64Array, nRows: number) => Promise<GraphRun>) => Promise<void>,
): Promise<GraphRun & { readonly largestDifference: number }> {
  const { onnx, problem, nFeatures, inputs, nRows } = given;
  const sha256 = sha256Hex(onnx);
  const key = keyOfUse(`evaluate-${sha256}`);
  const nGolden = Math.min(GOLDEN_ROWS, nRows);
  const golden = { nRows: nGolden, rows: inputs.slice(0, nGolden * nFeatures), outputs: new Float64Array() };
  await pool.load({ key, bytes: onnx, sha256, nFeatures, outputName: OUTPUT_NAMES[problem], golden });
  try {
    const { values, nOutputs } = await pool.predict(key, inputs, nRows);
    const check = { ...given, expected: values, values, nOutputs, tolerance: FOREIGN_TOLERANCE };
    const largestDifference = await requireEqualInAnyBatch(pool, key, check);
    await askMore?.(async (rows, n) => {
      const answered = await pool.predict(key, rows, n);
      return { outputs: answered.values, nOutputs: answered.nOutputs };
    });
    return { outputs: values, nOutputs, largestDifference };
  } finally {
    await pool.unload(key);
  }
}

/** What a piece is compared with. `tolerance` is relative to max(1, |answer|); 0 asks for the same bits. */
interface BatchCheck extends GraphInput {
  readonly values: Float64Array;
  readonly nOutputs: number;
  readonly tolerance: number;
}

/** @returns the largest relative difference between an answer in the whole, alone, and in another batch */
async function requireEqualInAnyBatch(pool: InferencePool, key: string, given: BatchCheck): Promise<number> {
  const { nRows } = given;
  let largest = 0;
  const step = Math.max(1, Math.ceil(nRows / ALONE_ROWS));
  for (let row = 0; row < nRows; row += step)
    largest = Math.max(largest, await comparePiece(pool, key, { ...given, from: row, to: row + 1 }));
  for (let from = 0; from < nRows; from += ODD_BATCH_ROWS) {
    const to = Math.min(nRows, from + ODD_BATCH_ROWS);
    largest = Math.max(largest, await comparePiece(pool, key, { ...given, from, to }));
  }
  return largest;
}

/** Asks rows `from` to `to` by themselves; one request at a time, so that the pool joins them with no other. */
async function comparePiece(
  pool: InferencePool,
  key: string,
  given: BatchCheck & { from: number; to: number },
): Promise<number> {
  const { inputs, nFeatures, values, nOutputs, from, to, tolerance } = given;
  let largest = 0;
  const piece = await pool.predict(key, inputs.slice(from * nFeatures, to * nFeatures), to - from);
  for (let i = 0; i < piece.values.length; i++) {
    const before = values[from * nOutputs + i] as number;
    if (Object.is(piece.values[i], before)) continue;
    const difference = Math.abs((piece.values[i] as number) - before) / Math.max(1, Math.abs(before));
    largest = Math.max(largest, difference);
    if (difference <= tolerance) continue;
    const row = from + Math.floor(i / nOutputs);
    throw new PlatformError(
      "parity_failed",
      `run graph [row ${row}]: ${piece.values[i]} in a batch of ${to - from}, ${before} in the whole`,
    );
  }
  return largest;
}

/** @throws {PlatformError} parity_failed, with the largest error and where it is */
export function requireParity(
  trainer: Float64Array,
  graph: GraphRun,
): { readonly maxError: number; readonly nRows: number } {
  const report = compareOutputs(trainer, graph.outputs, graph.nOutputs);
  if (report.maxError <= PARITY_LIMIT) return report;
  throw new PlatformError(
    "parity_failed",
    `compare graph and trainer [row ${report.worstRow} of ${report.nRows}]: expected at most ${PARITY_LIMIT}, got ${report.maxError}`,
  );
}

/**
 * Headline output per row: the value, the probability, for classes the most probable one's index, of a forecast the
 * median at the nearest horizon.
 */
export function headline(
  run: GraphRun,
  problem: ProblemKind,
  forecast?: { readonly quantiles: readonly number[] },
): Float64Array {
  const { outputs, nOutputs } = run;
  if (forecast !== undefined) {
    const middle = medianIndex(forecast.quantiles);
    return outputs.filter((_, index) => index % nOutputs === middle);
  }
  if (problem !== "multiclass") return outputs;
  return Float64Array.from({ length: outputs.length / nOutputs }, (_, row) => {
    let best = 0;
    for (let k = 1; k < nOutputs; k++) {
      if ((outputs[row * nOutputs + k] as number) > (outputs[row * nOutputs + best] as number)) best = k;
    }
    return best;
  });
}
