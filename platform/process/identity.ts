import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

/**
 * A process for good: its id together with its start, because ids are used again.
 *
 * On Linux the start is the boot id and the clock ticks since boot of `/proc/<pid>/stat`; elsewhere
 * what `ps -o lstart` prints, in seconds.
 */
export const processIdentitySchema = z.object({ pid: z.int().positive(), startTime: z.string().min(1) });
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** The identity of a process that runs now; undefined when there is none, or only its zombie. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startTime = process.platform === "linux" ? linuxStartTime(pid) : psStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

/** Whether this very process still runs. A zombie has ended: nobody may be there to reap an orphan. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startTime === identity.startTime;
}

/** Name of the program a process runs, e.g. `postgres`; undefined when it does not run. */
export function programOf(pid: number): string | undefined {
  if (process.platform === "linux") {
    if (linuxStartTime(pid) === undefined) return undefined;
    try {
      return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
    } catch {
      return undefined;
    }
  }
  const path = ps(pid, "comm");
  return path?.slice(path.lastIndexOf("/") + 1);
}

/** Sends a signal; false when the process or group is gone or not ours. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/**
 * Ends a process that is not our child: `signal`, and SIGKILL to it and its group after `graceMs`.
 *
 * @returns false when it runs on in spite of that
 */
export async function endProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<boolean> {
  if (!isRunning(identity)) return true;
  sendSignal(identity.pid, signal);
  if (await hasEnded(identity, graceMs)) return true;
  sendSignal(-identity.pid, "SIGKILL");
  sendSignal(identity.pid, "SIGKILL");
  return hasEnded(identity, 5_000);
}

async function hasEnded(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (isRunning(identity)) {
    if (performance.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}

let bootId: string | undefined;

function linuxStartTime(pid: number): string | undefined {
  try {
    // The second field, the program's name, is in parentheses and may hold spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, ticks] = [fields[0], fields[19]];
    if (state === "Z" || state === "X" || ticks === undefined) return undefined;
    bootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${bootId}:${ticks}`;
  } catch {
    return undefined;
  }
}

function psStartTime(pid: number): string | undefined {
  return ps(pid, "state")?.startsWith("Z") === true ? undefined : ps(pid, "lstart");
}

function ps(pid: number, field: string): string | undefined {
  const { status, stdout } = spawnSync("ps", ["-o", `${field}=`, "-p", String(pid)], { encoding: "utf8" });
  const text = stdout?.trim();
  return status === 0 && text !== "" ? text : undefined;
}
