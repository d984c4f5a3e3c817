import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, rename, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { isRunning } from "./running-process.ts";

/** A folder that one process has to itself. */
export interface OwnFolder {
  readonly path: string;
  /** Says no more that it is in use. */
  release(): void;
}

/** Host, process id, and what tells several of one process apart. */
const NAME = /^([0-9a-f]{8})-(\d+)-[0-9a-f]{8}$/;
const IN_USE_EVERY_MS = 20_000;
/** Of another machine on the same volume nothing but this is seen. */
const LEFT_AFTER_MS = 120_000;

const host = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
/** Folders of this process: several scorers or ingestors may run in one, in tests. */
const claimed = new Set<string>();

/**
 * A folder of this process alone under `root`. One that another process left when it was killed is taken over with what is in it, such
 * as traces that are then shipped from here; of several each start takes one.
 */
export async function claimFolder(root: string): Promise<OwnFolder> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const name = `${host}-${process.pid}-${randomBytes(4).toString("hex")}`;
  const path = join(root, name);
  const isTaken = await takeLeftover(root, path);
  if (!isTaken) await mkdir(path, { mode: 0o700 });
  claimed.add(name);
  const timer = setInterval(() => {
    const now = new Date();
    // Should it fail, the folder looks left to other machines; what they take is shipped by them.
    utimes(path, now, now).catch(() => undefined);
  }, IN_USE_EVERY_MS).unref();
  return {
    path,
    release() {
      clearInterval(timer);
      claimed.delete(name);
    },
  };
}

async function takeLeftover(root: string, path: string): Promise<boolean> {
  for (const name of await readdir(root)) {
    if (!(await isLeft(root, name))) continue;
    try {
      await rename(join(root, name), path);
      const now = new Date();
      await utimes(path, now, now);
      return true;
    } catch (error) {
      // Another process that starts now was faster.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return false;
}

async function isLeft(root: string, name: string): Promise<boolean> {
  const [, of, id] = NAME.exec(name) ?? [];
  if (of === undefined || claimed.has(name)) return false;
  const pid = Number(id);
  // An earlier process of this container may have had this one's id.
  if (of === host) return pid === process.pid || !isRunning(pid);
  const found = await stat(join(root, name)).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > LEFT_AFTER_MS;
}
