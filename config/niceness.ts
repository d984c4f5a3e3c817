import { setPriority } from "node:os";

/**
 * Has a process yield to others where the processor is fought for. It runs as well where the machine does not let that be
 * set, or where it has ended already.
 *
 * @param niceness 0…19; of 0 nothing is changed
 */
export function yieldProcessor(pid: number, niceness: number): void {
  if (niceness === 0) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // As before, then.
  }
}
