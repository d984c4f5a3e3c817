import { constants, copyFileSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { PlatformError } from "../../schemas/platform-error.ts";
import { identifyProcess, isRunning, processIdentitySchema } from "./identity.ts";
import type { ProcessIdentity } from "./identity.ts";

/**
 * One supervisor per state folder: a file that names its holder by process id and start time.
 *
 * The file is written elsewhere and linked into place, so that it is never seen half written, and
 * linking fails when it is there. A lock whose holder has ended is moved away first; if what was moved
 * turns out to be the fresh lock of a third process, it is linked back.
 */
export interface Lock {
  readonly holder: ProcessIdentity;
  /** Removes the file if it still names this process. */
  release(): void;
}

/**
 * @throws {PlatformError} platform_locked when a running process holds it
 */
export function acquireLock(file: string): Lock {
  const holder = identifyProcess(process.pid);
  if (holder === undefined)
    throw new PlatformError("internal", `read the start time of process [${process.pid}]`);
  const own = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  writeFileSync(own, JSON.stringify(holder), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      if (tryLink(own, file)) return { holder, release: () => releaseLock(file, holder) };
      const present = readLock(file);
      if (present !== undefined) throw lockedBy(present, file);
      moveStaleLock(file, `${own}.stale`);
    }
  } finally {
    rmSync(own, { force: true });
  }
  throw new PlatformError("platform_locked", `lock [${file}]: other processes take it all the time`);
}

/** Holder of the lock, if it runs. A file that cannot be read as a lock counts as nobody's. */
export function readLock(file: string): ProcessIdentity | undefined {
  const holder = parseHolder(file);
  return holder !== undefined && isRunning(holder) ? holder : undefined;
}

function parseHolder(file: string): ProcessIdentity | undefined {
  try {
    return processIdentitySchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return undefined;
  }
}

/** What file systems without hard links answer (exFAT, some network and FUSE mounts). */
const NO_HARD_LINKS: ReadonlySet<unknown> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    if (error.code === "EEXIST") return false;
    if (!NO_HARD_LINKS.has(error.code)) throw error;
    return tryCopy(from, to);
  }
}

/** Copies where there are no hard links; a reader may then see the file half written, and takes it for stale. */
function tryCopy(from: string, to: string): boolean {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function moveStaleLock(file: string, aside: string): void {
  try {
    renameSync(file, aside);
  } catch {
    return; // another process has moved it
  }
  if (readLock(aside) !== undefined) tryLink(aside, file);
  rmSync(aside, { force: true });
}

function releaseLock(file: string, holder: ProcessIdentity): void {
  const present = parseHolder(file);
  if (present?.pid === holder.pid && present.startTime === holder.startTime) rmSync(file, { force: true });
}

function lockedBy(holder: ProcessIdentity, file: string): PlatformError {
  return new PlatformError(
    "platform_locked",
    `use the state folder [${file}: held by process ${holder.pid}]`,
    {
      details: { pid: holder.pid },
    },
  );
}
