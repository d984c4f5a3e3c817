import { setTimeout } from "node:timers/promises";
import { proportionalBytes, readProcessTree } from "../child.ts";
import type { ProcessMemory, WatchedChild } from "../child.ts";

/** The most that all AURA processes together had resident while a stage of a run went on. */
export interface StagePeak {
  readonly rssBytes: number;
  /** With shared pages counted once, at the same moment; absent where it cannot be read. */
  readonly pssBytes?: number;
  /** Each process's own peak, whenever it was: the sum of these bounds what the samples may have missed. */
  readonly ownPeaksBytes: number;
}

/** Started by the platform, but not ours: PostgreSQL and the Temporal server. */
const FOREIGN = new Set(["postgres", "temporal"]);
const SAMPLE_MS = 100;
/** Before the first stage line: hashing, starting the platform, uploading. */
const BEFORE = "start";

/**
 * Samples the processes of `aura run` until it ends: the command (which supervises the platform), API, workers and
 * inference children.
 *
 * @param onStage  called with each stage that has ended
 * @returns peaks by stage, in order; empty where there is no /proc
 */
export async function watchMemory(
  child: WatchedChild,
  ended: AbortSignal,
  onStage: (stage: string) => void,
): Promise<ReadonlyMap<string, StagePeak>> {
  const peaks = new Map<string, StagePeak>();
  const told = new Set<string>();
  while (!ended.aborted) {
    const ours = readProcessTree(child.pid)?.filter(({ program }) => !FOREIGN.has(program));
    if (ours === undefined) return peaks;
    const printed = child.stderr();
    const stage = [...printed.matchAll(/^… (\w+)/gm)].at(-1)?.[1] ?? BEFORE;
    keepPeak(peaks, stage, ours);
    for (const [, done = ""] of printed.matchAll(/^✓ (\w+)/gm)) {
      if (told.has(done)) continue;
      told.add(done);
      onStage(done);
    }
    await setTimeout(SAMPLE_MS);
  }
  return peaks;
}

function keepPeak(peaks: Map<string, StagePeak>, stage: string, ours: readonly ProcessMemory[]): void {
  const rssBytes = ours.reduce((sum, process) => sum + process.rssBytes, 0);
  const ownPeaksBytes = ours.reduce((sum, process) => sum + process.peakRssBytes, 0);
  const before = peaks.get(stage);
  if (before !== undefined && before.rssBytes >= rssBytes) {
    // Peaks of their own only grow, until a process ends.
    peaks.set(stage, { ...before, ownPeaksBytes: Math.max(before.ownPeaksBytes, ownPeaksBytes) });
    return;
  }
  const shares = ours.map(({ pid }) => proportionalBytes(pid));
  const isReadable = shares.every((share) => share !== undefined);
  const pssBytes = shares.reduce((sum: number, share) => sum + (share ?? 0), 0);
  peaks.set(stage, { rssBytes, ownPeaksBytes, ...(isReadable ? { pssBytes } : {}) });
}
