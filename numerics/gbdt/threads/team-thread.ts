import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { awaitCommand, COMMAND_OPEN, CONTROL, finishTask, openControl, writeText } from "./control.ts";
import { ForestThread } from "../../forest/forest-thread.ts";
import type { ForestJob } from "../../forest/forest-thread.ts";
import { TrainingThread } from "./training-thread.ts";
import type { TrainingJob } from "./team.ts";

/** Entry of a helper thread: blocked until the training thread has a command, for ever; it ends by being ended. */
const port = parentPort;
if (port === null) throw new Error("this module is the entry of a worker thread");

const { words: control, doubles, text } = openControl(workerData as SharedArrayBuffer);
let thread: TrainingThread | ForestThread | undefined;
let generation = 0;

function fail(error: unknown): void {
  writeText(text, error instanceof Error ? error.message : String(error));
  Atomics.add(control, CONTROL.nFailed, 1);
}

function open(job: TrainingJob | ForestJob): TrainingThread | ForestThread | undefined {
  try {
    if ("forest" in job) return new ForestThread(job, control);
    return new TrainingThread(job, control, doubles);
  } catch (error) {
    fail(error);
    return undefined;
  } finally {
    finishTask(control);
  }
}

for (;;) {
  generation = awaitCommand(control, generation);
  if (control[CONTROL.step] === COMMAND_OPEN) {
    const received = receiveMessageOnPort(port);
    // Woken late for the command before, this thread may have opened the training already.
    if (received !== undefined) thread = open(received.message as TrainingJob | ForestJob);
  } else {
    thread?.takeTasks(fail);
  }
}
