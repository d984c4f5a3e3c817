import { ChildHandle, ChildLostError } from "./child-handle.ts";
import { GOLDEN_TOLERANCE, goldenDifference } from "./served-model.ts";
import type { ServedModel } from "./served-model.ts";
import type { CheckedPoolOptions } from "./pool-options.ts";

/** A started child with the models it holds. */
export interface ReadyChild {
  readonly child: ChildHandle;
  readonly keys: Set<string>;
  /** Models it has ever loaded: onnxruntime keeps a little of each. */
  nLoads: number;
}

/** A model that a child could not load, or that answered its golden vectors wrongly. */
export class ModelLoadError extends Error {
  override readonly name = "ModelLoadError";
  readonly key: string;
  /** The child had to be killed, or ended, over this model. */
  readonly isChildLost: boolean;
  constructor(key: string, message: string, isChildLost: boolean) {
    super(message);
    this.key = key;
    this.isChildLost = isChildLost;
  }
}

/** Starts a child without models. */
export function startChild(niceness: number): ReadyChild {
  return { child: new ChildHandle(niceness), keys: new Set(), nLoads: 0 };
}

/** How a model is loaded. */
export interface LoadPlan {
  readonly options: CheckedPoolOptions;
  /** Another child found that it keeps to the served subset of ONNX. */
  readonly isInspected: boolean;
}

/**
 * Loads one model into a child that serves nothing yet, and warms it with its golden vectors: once as they
 * are, once as single rows, because an answer must not depend on its batch.
 *
 * @throws {ModelLoadError} when the graph breaks a rule of the subset; loading, running or the comparison fails
 */
export async function loadIntoChild(
  ready: ReadyChild,
  model: ServedModel,
  { options, isInspected }: LoadPlan,
): Promise<void> {
  const { child, keys } = ready;
  const { key, bytes, nFeatures, outputName } = model;
  ready.nLoads++;
  try {
    await child.load({ key, bytes, isInspected, nFeatures, outputName }, options.loadDeadlineMs);
    await warmUp(child, model, options.deadlineMs);
    keys.add(key);
  } catch (error) {
    if (error instanceof ModelLoadError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ModelLoadError(key, message, error instanceof ChildLostError);
  }
}

async function warmUp(child: ChildHandle, model: ServedModel, deadlineMs: number): Promise<void> {
  const { key, golden, nFeatures } = model;
  if (golden.nRows === 0) throw new ModelLoadError(key, "the model has no golden vectors", false);
  const run = (rows: Float64Array, nRows: number) =>
    // A first run allocates; it may take several times as long as a served one.
    child.run({ key, pieces: [rows], nRows }, deadlineMs * 4);
  const whole = await run(golden.rows, golden.nRows);
  // A model that has not answered yet is held to itself: alone as in the whole.
  const expected = golden.outputs.length === 0 ? whole.values : golden.outputs;
  checkGolden(key, expected, whole.values);
  for (let row = 0; row < Math.min(golden.nRows, 8); row++) {
    const single = await run(golden.rows.slice(row * nFeatures, (row + 1) * nFeatures), 1);
    const nOutputs = single.nOutputs;
    checkGolden(key, expected.subarray(row * nOutputs, (row + 1) * nOutputs), single.values);
  }
}

function checkGolden(key: string, expected: Float64Array, got: Float64Array): void {
  const difference = goldenDifference(expected, got);
  if (difference <= GOLDEN_TOLERANCE) return;
  throw new ModelLoadError(
    key,
    `golden vectors: expected a difference of at most ${GOLDEN_TOLERANCE}, got ${difference}`,
    false,
  );
}

/** Back-off before the n-th restart in a row, in ms: 0, 100, 200, 400 … 5000. */
export function restartDelayMs(failures: number): number {
  return failures === 0 ? 0 : Math.min(5_000, 100 * 2 ** (failures - 1));
}
