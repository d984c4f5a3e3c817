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
export const CONTROL_BYTES = CONTROL_WORDS * 4 + CONTROL_DOUBLES * 8;

export const COMMAND_OPEN = -1;

/** Looks at the counter this often before it goes to sleep: some tens of microseconds. */
export const SPINS = 4000;

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
