import { mkdir, readdir, rename } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { isRunning } from "./running-process.ts";

const NAME = /^(\d+)-[0-9a-f]{8}$/;

/**
 * A folder of this process alone under `root`. One that a killed scorer left is taken over with the traces in it, which are then
 * shipped from here; of several each start takes one.
 */
export async function claimFolder(root: string): Promise<string> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const own = join(root, `${process.pid}-${randomBytes(4).toString("hex")}`);
  for (const name of await readdir(root)) {
    const pid = Number(NAME.exec(name)?.[1] ?? NaN);
    // In a container every process of this program may have the same id.
    if (Number.isNaN(pid) || (pid !== process.pid && isRunning(pid)) || claimed.has(name)) continue;
    try {
      await rename(join(root, name), own);
      claimed.add(own.slice(root.length + 1));
      return own;
    } catch (error) {
      // Another scorer that starts now was faster.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  await mkdir(own, { mode: 0o700 });
  claimed.add(own.slice(root.length + 1));
  return own;
}

/** Folders of this process: several scorers may run in one, in tests. */
const claimed = new Set<string>();
