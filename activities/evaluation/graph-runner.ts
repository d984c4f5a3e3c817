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

/** Runs a graph in the inference children on all rows, then forgets it. */
export async function runGraph(pool: InferencePool, given: GraphInput): Promise<GraphRun> {
  const sha256 = sha256Hex(given.onnx);
  const key = `evaluate-${sha256}`;
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
    await requireEqualInAnyBatch(pool, key, { ...given, values, nOutputs });
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

async function requireEqualInAnyBatch(
  pool: InferencePool,
  key: string,
  given: GraphInput & { readonly values: Float64Array; readonly nOutputs: number },
): Promise<void> {
  const { nRows } = given;
  const step = Math.max(1, Math.ceil(nRows / ALONE_ROWS));
  for (let row = 0; row < nRows; row += step)
    await requireEqualPiece(pool, key, { ...given, from: row, to: row + 1 });
  for (let from = 0; from < nRows; from += ODD_BATCH_ROWS) {
    await requireEqualPiece(pool, key, { ...given, from, to: Math.min(nRows, from + ODD_BATCH_ROWS) });
  }
}

/** Asks rows `from` to `to` by themselves; one request at a time, so that the pool joins them with no other. */
async function requireEqualPiece(
  pool: InferencePool,
  key: string,
  given: GraphInput & { values: Float64Array; nOutputs: number; from: number; to: number },
): Promise<void> {
  const { inputs, nFeatures, values, nOutputs, from, to } = given;
  const piece = await pool.predict(key, inputs.slice(from * nFeatures, to * nFeatures), to - from);
  for (let i = 0; i < piece.values.length; i++) {
    const before = values[from * nOutputs + i];
    if (Object.is(piece.values[i], before)) continue;
    const row = from + Math.floor(i / nOutputs);
    throw new PlatformError(
      "parity_failed",
      `run graph [row ${row}]: ${piece.values[i]} in a batch of ${to - from}, ${before} in the whole`,
    );
  }
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
