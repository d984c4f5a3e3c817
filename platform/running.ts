import { setTimeout as sleep } from "node:timers/promises";
import type { Settings } from "../config/settings.ts";
import { endOrphans } from "./orphans.ts";
import { isRunning, sendSignal } from "./process/identity.ts";
import type { ProcessIdentity } from "./process/identity.ts";
import { readLock } from "./process/lock.ts";
import { readRecord, statePaths } from "./state-dir.ts";
import type { PlatformRecord } from "./state-dir.ts";

/** A platform that another process supervises. */
export interface FoundPlatform {
  readonly supervisor: ProcessIdentity;
  readonly state: PlatformRecord["state"];
  readonly urls: PlatformRecord["urls"];
  readonly children: PlatformRecord["children"];
}

/** The platform that runs in this state folder, or undefined. Reads two small files, asks nobody. */
export function findRunningPlatform(settings: Pick<Settings, "stateDir">): FoundPlatform | undefined {
  const paths = statePaths(settings.stateDir);
  const supervisor = readLock(paths.lock);
  if (supervisor === undefined) return undefined;
  const record = readRecord(paths);
  // A supervisor that has just taken the lock has not written yet: the record is a dead one's.
  const isItsOwn =
    record.supervisor?.pid === supervisor.pid && record.supervisor.startTime === supervisor.startTime;
  const { state, urls, children } = isItsOwn
    ? record
    : { state: "starting" as const, urls: {}, children: {} };
  return { supervisor, state, urls, children };
}

/** Longer than all parts' own grace times together. */
const STOP_WITHIN_MS = 70_000;

/**
 * Asks the supervisor to stop and waits for it; ends what a killed one left.
 *
 * @returns what was found: a running platform, only orphans, or nothing
 * @throws nothing: `still-running` tells that it did not stop within 70 s
 */
export async function stopRunningPlatform(
  settings: Pick<Settings, "stateDir">,
): Promise<"stopped" | "orphans" | "nothing" | "still-running"> {
  const found = findRunningPlatform(settings);
  if (found !== undefined) {
    sendSignal(found.supervisor.pid, "SIGTERM");
    const deadline = performance.now() + STOP_WITHIN_MS;
    while (isRunning(found.supervisor)) {
      if (performance.now() > deadline) return "still-running";
      await sleep(50);
    }
  }
  const orphans = await endOrphans(readRecord(statePaths(settings.stateDir)));
  if (found !== undefined) return "stopped";
  return orphans.length > 0 ? "orphans" : "nothing";
}
