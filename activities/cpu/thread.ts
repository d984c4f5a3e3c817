import { parentPort } from "node:worker_threads";
import { CPU_JOBS } from "./jobs.ts";
import type { CpuJobName } from "./jobs.ts";
import type { ThreadReply, ThreadRequest } from "./thread-messages.ts";

/** Entry of a CPU thread: runs one pure job at a time; knows neither stores nor clock. */
const port = parentPort;
if (port === null) throw new Error("this module is the entry of a worker thread");

port.on("message", ({ job, input, stopFlag }: ThreadRequest<CpuJobName>) => {
  const flag = new Int32Array(stopFlag);
  const reply = (message: ThreadReply) => port.postMessage(message);
  try {
    const run = CPU_JOBS[job] as (input: unknown, hooks: unknown) => unknown;
    const output = run(input, {
      onProgress: (progress: unknown) => reply({ kind: "progress", progress }),
      sendCheckpoint: (checkpoint: unknown) => reply({ kind: "checkpoint", checkpoint }),
      shouldStop: () => Atomics.load(flag, 0) === 1,
    });
    reply({ kind: "done", output });
  } catch (error) {
    reply({ kind: "failed", error });
  }
});
