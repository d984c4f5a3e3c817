/**
 * The block of shared words over which the threads of a team talk: one command at a time, arguments beside it, and
 * counters that say which task is next and how many threads are done.
 */

/** Words of the control block, Int32 unless said otherwise. */
export const CONTROL = {
  /** Counts commands: what helpers wait on. */
  generation: 0,
  /** Tasks of the command that are finished; of COMMAND_OPEN, helpers that are ready. */
  done: 1,
  /**
   * Tasks that nobody has taken yet, in the low bits, below the number of the command. Whoever takes one replaces
   * the whole word, which fails where the command is no longer the one that was read: a helper that was not scheduled
   * for a while cannot take a task of one step for another's, so nobody has to wait for helpers that have nothing to do.
   */
  ticket: 2,
  nTasks: 3,
  /** Index into STEP_NAMES, or one of the commands below. */
  step: 4,
  /** Helpers that threw. */
  nFailed: 5,
  /** Task that ticket 0 stands for. */
  firstTask: 6,
  /** First of 16 integer arguments. */
  arguments: 8,
} as const;
export const CONTROL_WORDS = 24;
const TASK_BITS = 12;
/** Tasks of one command at most. */
export const MOST_TASKS = 2 ** TASK_BITS - 1;

/** Writes the ticket of a command; the number of the command counts up to 2^20 and begins again. */
export function issueTickets(control: Int32Array, nTasks: number): void {
  const command = (Atomics.load(control, CONTROL.ticket) >>> TASK_BITS) + 1;
  Atomics.store(control, CONTROL.ticket, (command << TASK_BITS) | nTasks);
}

/** Takes a task of the present step; null when none is left. */
export function takeTask(control: Int32Array): { readonly step: number; readonly task: number } | null {
  for (;;) {
    const ticket = Atomics.load(control, CONTROL.ticket);
    const nLeft = ticket & MOST_TASKS;
    if (nLeft === 0) return null;
    // Both are written before the ticket: they are those of the ticket if it is still the same below.
    const step = Atomics.load(control, CONTROL.step);
    const task = Atomics.load(control, CONTROL.firstTask) + nLeft - 1;
    if (Atomics.compareExchange(control, CONTROL.ticket, ticket, ticket - 1) === ticket)
      return { step, task };
  }
}

/** Notes that a task is finished, and wakes who waits for the last one. */
export function finishTask(control: Int32Array): void {
  const nDone = Atomics.add(control, CONTROL.done, 1) + 1;
  // Read after counting: whoever lowers it meanwhile sees the count.
  if (nDone === Atomics.load(control, CONTROL.nTasks)) Atomics.notify(control, CONTROL.done);
}

/** Gives up the tasks of the present step that nobody has taken; returns how many there are without them. */
export function dropTasks(control: Int32Array): number {
  let ticket = Atomics.load(control, CONTROL.ticket);
  for (;;) {
    const found = Atomics.compareExchange(control, CONTROL.ticket, ticket, ticket & ~MOST_TASKS);
    if (found === ticket) break;
    ticket = found;
  }
  const nTasks = Atomics.load(control, CONTROL.nTasks) - (ticket & MOST_TASKS);
  Atomics.store(control, CONTROL.nTasks, nTasks);
  return nTasks;
}

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
