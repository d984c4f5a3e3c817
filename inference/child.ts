import { InferenceSession, Tensor } from "onnxruntime-node";
import type { FromChild, ToChild } from "./messages.ts";

/**
 * Entry of an inference child: loads ONNX models from bytes and runs them.
 *
 * onnxruntime blocks this thread while it loads or runs and cannot be interrupted; that is why it lives in a
 * process of its own, which the pool may kill at any time. The child keeps no state worth saving, reads no
 * files and opens no sockets. It ends when the pool's end of the channel closes.
 */

interface LoadedModel {
  readonly session: InferenceSession;
  readonly nFeatures: number;
  readonly outputName: string;
}

const models = new Map<string, LoadedModel>();

function send(message: FromChild): void {
  if (process.connected) process.send?.(message);
}

async function load(message: ToChild & { type: "load" }): Promise<void> {
  const session = await InferenceSession.create(message.bytes, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    executionProviders: ["cpu"],
  });
  const { nFeatures, outputName } = message;
  if (session.inputNames.length !== 1 || session.inputNames[0] !== "features") {
    throw new TypeError(`load model: expected one input "features", got [${session.inputNames.join(", ")}]`);
  }
  if (!session.outputNames.includes(outputName)) {
    throw new TypeError(
      `load model: expected output "${outputName}", got [${session.outputNames.join(", ")}]`,
    );
  }
  await models.get(message.key)?.session.release();
  models.set(message.key, { session, nFeatures, outputName });
  send({ type: "loaded", id: message.id });
}

async function run(message: ToChild & { type: "run" }): Promise<void> {
  const model = models.get(message.key);
  if (model === undefined) throw new RangeError(`run model [${message.key}]: not loaded`);
  const { nRows } = message;
  const input = new Tensor("float64", message.rows, [nRows, model.nFeatures]);
  const result = await model.session.run({ features: input }, [model.outputName]);
  const output = result[model.outputName];
  if (output === undefined || output.type !== "float64" || !(output.data instanceof Float64Array)) {
    throw new TypeError(`run model: expected a double output, got ${output?.type ?? "none"}`);
  }
  if (output.dims.length > 2 || output.dims[0] !== nRows) {
    throw new TypeError(`run model: expected output [${nRows}, m], got [${output.dims.join(", ")}]`);
  }
  send({ type: "ran", id: message.id, values: output.data, nOutputs: output.dims[1] ?? 1 });
}

async function handle(message: ToChild): Promise<void> {
  if (message.type === "drop") {
    const model = models.get(message.key);
    models.delete(message.key);
    await model?.session.release();
    return;
  }
  try {
    await (message.type === "load" ? load(message) : run(message));
  } catch (error) {
    send({ type: "failed", id: message.id, message: error instanceof Error ? error.message : String(error) });
  }
}

/** Messages are handled strictly in order: a `drop` must not overtake the run before it. */
let tail: Promise<void> = Promise.resolve();
process.on("message", (message: ToChild) => {
  tail = tail.then(() => handle(message));
});
process.on("disconnect", () => process.exit(0));
// The group's Ctrl-C and SIGTERM go to the API, which drains before it lets its children go.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
setInterval(() => send({ type: "memory", rssBytes: process.memoryUsage.rss() }), 1_000).unref();
