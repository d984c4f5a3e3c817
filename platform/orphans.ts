import { endProcess, isRunning } from "./process/identity.ts";
import { PARTS } from "./parts/table.ts";
import type { PlatformRecord } from "./state-dir.ts";

/** Longer than any part's own end takes when nothing is wrong. */
const GRACE_MS = 10_000;

/**
 * Ends the processes that a killed supervisor left, in the order of an ordinary stop, so that each new
 * start owns all its children: only a parent is told of an end. Their work resumes with the new ones.
 *
 * Only processes whose id and start time are recorded are touched.
 *
 * @returns the names of the parts that were still running
 */
export async function endOrphans(record: PlatformRecord): Promise<readonly string[]> {
  const ended: string[] = [];
  const known = PARTS.map((part) => part.name);
  const order = Object.keys(record.children).sort((a, b) => known.indexOf(b) - known.indexOf(a));
  for (const name of order) {
    const identity = record.children[name]?.process;
    if (identity === undefined || !isRunning(identity)) continue;
    await endProcess(identity, name === "postgres" ? "SIGINT" : "SIGTERM", GRACE_MS);
    ended.push(name);
  }
  return ended;
}
