/**
 * The block of shared words over which the threads of a team talk: one command at a time, arguments beside it, and
 * counters that say which task is next and how many threads are done.
 */

/** Words of the control block, Int32 unless said otherwise. */
export const CONTROL = {
  /** Counts commands: what helpers wait on. */
  generation: 0,
  /** Helpers that finished the command. */
  done: 1,
  nextTask: 2,
  nTasks: 3,
  /** Index into STEP_NAMES, or one of the commands below. */
  step: 4,
  /** Helpers that threw. */
  nFailed: 5,
  /** First of 16 integer arguments. */
  arguments: 8,
} as const;
export const CONTROL_WORDS = 24;
/** Doubles behind the words. */
export const CONTROL_DOUBLES = 16;
/** What the last helper that threw said, as UTF-16 behind its length. */
export const CONTROL_TEXT = 256;
export const CONTROL_BYTES = CONTROL_WORDS * 4 + CONTROL_DOUBLES * 8 + CONTROL_TEXT * 2;

export const COMMAND_OPEN = -1;

/** The shared block, opened. */
export interface ControlViews {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly text: Uint16Array;
}

export function openControl(buffer: SharedArrayBuffer): ControlViews {
  const doublesAt = CONTROL_WORDS * 4;
  return {
    words: new Int32Array(buffer, 0, CONTROL_WORDS),
    doubles: new Float64Array(buffer, doublesAt, CONTROL_DOUBLES),
    text: new Uint16Array(buffer, doublesAt + CONTROL_DOUBLES * 8, CONTROL_TEXT),
  };
}

export function writeText(text: Uint16Array, message: string): void {
  const length = Math.min(message.length, CONTROL_TEXT - 1);
  text[0] = length;
  for (let place = 0; place < length; place++) text[place + 1] = message.charCodeAt(place);
}

export function readText(text: Uint16Array): string {
  return String.fromCharCode(...text.subarray(1, text[0] + 1));
}

/** Looks at the counter this often before it goes to sleep, some hundred microseconds: waking takes as long. */
export const SPINS = 40_000;

/** Waits for the next command after `generation`; returns its number. */
export function awaitCommand(control: Int32Array, generation: number): number {
  let now = generation;
  for (
    let spin = 0;
    spin < SPINS && (now = Atomics.load(control, CONTROL.generation)) === generation;
    spin++
  );
  while ((now = Atomics.load(control, CONTROL.generation)) === generation) {
    Atomics.wait(control, CONTROL.generation, generation);
  }
  return now;
}
