import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { awaitCommand, COMMAND_OPEN, CONTROL, openControl, writeText } from "./control.ts";
import { STEP_NAMES, TrainingThread } from "./training-thread.ts";
import type { TrainingJob } from "./team.ts";

/** Entry of a helper thread: blocked until the training thread has a command, for ever; it ends by being ended. */
const port = parentPort;
if (port === null) throw new Error("this module is the entry of a worker thread");

const { words: control, doubles, text } = openControl(workerData as SharedArrayBuffer);
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
  } catch (error) {
    writeText(text, error instanceof Error ? error.message : String(error));
    Atomics.add(control, CONTROL.nFailed, 1);
  }
  Atomics.add(control, CONTROL.done, 1);
  Atomics.notify(control, CONTROL.done);
}
