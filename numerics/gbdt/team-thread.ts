import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { awaitCommand, COMMAND_OPEN, CONTROL, CONTROL_DOUBLES, CONTROL_WORDS } from "./control.ts";
import { STEP_NAMES, TrainingThread } from "./steps.ts";
import type { TrainingJob } from "./team.ts";

/** Entry of a helper thread: blocked until the training thread has a command, for ever; it ends by being ended. */
const port = parentPort;
if (port === null) throw new Error("this module is the entry of a worker thread");

const buffer = workerData as SharedArrayBuffer;
const control = new Int32Array(buffer, 0, CONTROL_WORDS);
const doubles = new Float64Array(buffer, CONTROL_WORDS * 4, CONTROL_DOUBLES);
let thread: TrainingThread | undefined;
let generation = 0;

for (;;) {
  generation = awaitCommand(control, generation);
  try {
    const step = control[CONTROL.step];
    if (step === COMMAND_OPEN) {
      const received = receiveMessageOnPort(port) as { message: TrainingJob };
      thread = new TrainingThread(received.message, control, doubles);
    } else {
      thread?.takeTasks(STEP_NAMES[step]);
    }
  } catch {
    Atomics.add(control, CONTROL.nFailed, 1);
  }
  Atomics.add(control, CONTROL.done, 1);
  Atomics.notify(control, CONTROL.done);
}
