import { existsSync, mkdtempSync, rmdirSync, statfsSync } from "node:fs";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import type { Settings } from "../config/settings.ts";
import { findOnPath, findTemporalBinary } from "../temporal-config/server-binary.ts";
import { whyNoDownload } from "../temporal-config/server-download.ts";
import { findPostgresBinaries } from "./parts/postgres-binaries.ts";
import { unprivilegedUser } from "./parts/unprivileged-user.ts";
import { isPortFree } from "./process/ports.ts";
import { findRunningPlatform } from "./running.ts";
import { foreignFiles, readRecord, statePaths } from "./state-dir.ts";

/** One thing looked at. `missing` keeps AURA from starting, `warning` does not. */
export interface MachineCheck {
  readonly name: string;
  readonly state: "ok" | "warning" | "missing";
  readonly found: string;
  readonly remedy?: string;
}

type Finding = Omit<MachineCheck, "name">;

const GIB = 1024 ** 3;
const NEEDED_DISK_BYTES = 2 * GIB;
const NEEDED_MEMORY_BYTES = 2 * GIB;
const NEEDED_NODE = { major: 20, minor: 20 };

/** Every check, in the order of the table. */
const CHECKS: readonly (readonly [string, (settings: Settings) => Finding | Promise<Finding>])[] = [
  ["Node.js", checkNode],
  ["PostgreSQL", checkPostgres],
  ["Temporal", checkTemporal],
  ["Go", checkGo],
  ["state folder", checkStateDir],
  ["disk", checkDisk],
  ["memory", checkMemory],
  ["ports", checkPorts],
];

/**
 * Looks at this machine; nothing is started or fetched. PostgreSQL is made runnable, as a start would. Without
 * a Temporal server and without Go it asks whether the download can be had.
 */
export async function examineMachine(settings: Settings): Promise<readonly MachineCheck[]> {
  const checks: MachineCheck[] = [];
  for (const [name, check] of CHECKS) {
    try {
      checks.push({ name, ...(await check(settings)) });
    } catch (error) {
      const found = error instanceof Error ? error.message : String(error);
      checks.push({ name, state: "missing", found, remedy: "see the message" });
    }
  }
  return checks;
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isEnough = major > NEEDED_NODE.major || (major === NEEDED_NODE.major && minor >= NEEDED_NODE.minor);
  if (isEnough) return { state: "ok", found: process.versions.node };
  return { state: "missing", found: process.versions.node, remedy: "install Node.js 20.20 or newer" };
}

function checkPostgres(settings: Settings): Finding {
  if (settings.databaseUrl !== undefined) return { state: "ok", found: "your own (DATABASE_URL)" };
  const { bin } = findPostgresBinaries(unprivilegedUser());
  return { state: "ok", found: `embedded (${bin})` };
}

async function checkTemporal(settings: Settings): Promise<Finding> {
  const { address, cli } = settings.temporal;
  if (address !== undefined) return { state: "ok", found: `your own (${address})` };
  const { environment } = settings;
  const binary = await findTemporalBinary({ environment, ...(cli === undefined ? {} : { cli }) });
  if (binary !== undefined) return { state: "ok", found: `${binary.source} (${binary.path})` };
  const hasGo = findOnPath("go", environment["PATH"]) !== undefined;
  const blocked = hasGo ? undefined : await whyNoDownload();
  if (blocked !== undefined) {
    return {
      state: "missing",
      found: `not here, cannot be downloaded (${blocked}), and there is no Go to build it`,
      remedy: "install Go 1.25 or newer, or the Temporal CLI, or set TEMPORAL_ADDRESS",
    };
  }
  const otherwise = hasGo ? ", or builds it with Go (a few minutes, more on a busy machine)" : "";
  return {
    state: "warning",
    found: `not here yet: the first start downloads it${otherwise}`,
    remedy: "nothing",
  };
}

async function checkGo(settings: Settings): Promise<Finding> {
  const path = findOnPath("go", settings.environment["PATH"]);
  if (path !== undefined) return { state: "ok", found: path };
  const { state } = await checkTemporal(settings);
  if (state === "ok") return { state, found: "none, and not needed" };
  const isNeeded = state === "missing";
  return {
    state,
    found: isNeeded ? "none, and needed to build Temporal" : "none, needed if Temporal's download fails",
    remedy: isNeeded ? "install Go 1.25 or newer" : "install Go 1.25 or newer if it does",
  };
}

/**
 * Makes a folder where the state folder will be and takes it away again: permissions alone say nothing of root, of a
 * disk that is mounted read-only, or of a file system such as /proc that takes no files.
 */
function checkStateDir({ stateDir }: Settings): Finding {
  const folder = existingFolder(stateDir);
  const remedy = "set AURA_STATE_DIR to a folder of yours";
  try {
    const [other] = foreignFiles(stateDir);
    if (other !== undefined)
      return { state: "missing", found: `${stateDir} holds other files (${other})`, remedy };
    rmdirSync(mkdtempSync(join(folder, ".aura-doctor-")));
    return { state: "ok", found: stateDir };
  } catch (error) {
    return { state: "missing", found: `${folder} cannot be written (${reasonOf(error)})`, remedy };
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && "code" in error) return String(error.code);
  return String(error);
}

function checkDisk({ stateDir }: Settings): Finding {
  const { bavail, bsize } = statfsSync(existingFolder(stateDir));
  const found = `${((bavail * bsize) / GIB).toFixed(1)} GiB free`;
  if (bavail * bsize >= NEEDED_DISK_BYTES) return { state: "ok", found };
  return { state: "warning", found, remedy: "free 2 GiB, or set AURA_STATE_DIR to another disk" };
}

function checkMemory(): Finding {
  // A container's limit, where there is one, is less than the machine has.
  const limit = process.constrainedMemory();
  const bytes = limit > 0 && limit < totalmem() ? limit : totalmem();
  const found = `${(bytes / GIB).toFixed(1)} GiB`;
  if (bytes >= NEEDED_MEMORY_BYTES) return { state: "ok", found };
  return { state: "warning", found, remedy: "2 GiB or more is advised" };
}

async function checkPorts(settings: Settings): Promise<Finding> {
  const running = findRunningPlatform(settings);
  if (running !== undefined)
    return { state: "ok", found: `in use by AURA (process ${running.supervisor.pid})` };
  const { port } = settings.api;
  if (port !== undefined && !(await isPortFree(port))) {
    return { state: "missing", found: `AURA_API_PORT ${port} is taken`, remedy: "free it or choose another" };
  }
  const remembered = Object.values(readRecord(statePaths(settings.stateDir)).ports);
  const taken: number[] = [];
  for (const candidate of remembered) if (!(await isPortFree(candidate))) taken.push(candidate);
  if (taken.length === 0) return { state: "ok", found: "free" };
  return {
    state: "warning",
    found: `${taken.join(", ")} taken by others`,
    remedy: "nothing: others will be chosen",
  };
}

function existingFolder(folder: string): string {
  let at = folder;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}
