import { InferenceSession, Tensor } from "onnxruntime-node";
import { Socket } from "node:net";
import { checkOnnx } from "../numerics/onnx/inspection/inspect.ts";
import { ModelRefusedError } from "../numerics/onnx/inspection/model-refused-error.ts";
import type { FromChild, ToChild } from "./messages.ts";
import { decodeRun, encodeAnswer, FrameReader } from "./run-frames.ts";
import type { RunRequest } from "./run-frames.ts";

/**
 * Entry of an inference child: inspects ONNX models, loads them from bytes and runs them.
 *
 * onnxruntime blocks this thread while it loads or runs and cannot be interrupted; that is why it lives in a
 * process of its own, which the pool may kill at any time. The child keeps no state worth saving, reads no
 * files and opens no connections. It ends when the pool's end of the channel closes.
 */

interface LoadedModel {
  readonly session: InferenceSession;
  readonly nFeatures: number;
  readonly outputName: string;
}

/** The pipe of the frames; 3 is Node's IPC. */
const FRAMES_FD = 4;

const models = new Map<string, LoadedModel>();

function send(message: FromChild): void {
  if (process.connected) process.send?.(message);
}

async function load(message: ToChild & { type: "load" }): Promise<void> {
  // Here and not in the parent, where nothing else would be answered meanwhile: it takes 0.1 s for a megabyte.
  if (!message.isInspected) checkOnnx(message.bytes);
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

async function run({ id, key, nRows, pieces: [rows] }: RunRequest): Promise<void> {
  const model = models.get(key);
  if (model === undefined || rows === undefined) throw new RangeError(`run model [${key}]: not loaded`);
  const input = new Tensor("float64", rows, [nRows, model.nFeatures]);
  const result = await model.session.run({ features: input }, [model.outputName]);
  const output = result[model.outputName];
  if (output === undefined || output.type !== "float64" || !(output.data instanceof Float64Array)) {
    throw new TypeError(`run model: expected a double output, got ${output?.type ?? "none"}`);
  }
  if (output.dims.length > 2 || output.dims[0] !== nRows) {
    throw new TypeError(`run model: expected output [${nRows}, m], got [${output.dims.join(", ")}]`);
  }
  frames.write(encodeAnswer({ id, nRows, nOutputs: output.dims[1] ?? 1, values: output.data }));
}

async function drop(key: string): Promise<void> {
  const model = models.get(key);
  models.delete(key);
  await model?.session.release();
}

/** One thing after the other: a `drop` must not overtake the run before it. */
let tail: Promise<void> = Promise.resolve();

function inTurn(id: number, work: () => Promise<void>): void {
  tail = tail.then(work).catch((error: unknown) => {
    send({ type: "failed", id, message: reasonOf(error) });
  });
}

function reasonOf(error: unknown): string {
  if (error instanceof ModelRefusedError) return error.reason;
  return error instanceof Error ? error.message : String(error);
}

process.on("message", (message: ToChild) => {
  if (message.type === "drop") inTurn(0, () => drop(message.key));
  else inTurn(message.id, () => load(message));
});

const frames = new Socket({ fd: FRAMES_FD, readable: true, writable: true });
const reader = new FrameReader((frame) => {
  const request = decodeRun(frame);
  inTurn(request.id, () => run(request));
});
frames.on("data", (chunk: Buffer) => reader.push(chunk));
frames.on("error", () => process.exit(0));
process.on("disconnect", () => process.exit(0));
// The group's Ctrl-C and SIGTERM go to the API, which drains before it lets its children go.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
setInterval(() => send({ type: "memory", rssBytes: process.memoryUsage.rss() }), 1_000).unref();
