import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";

/** How to start one process that a benchmark measures or needs. */
export interface ChildSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** What a finished process left. */
export interface ChildResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly wallMs: number;
}

/** A process that is watched while `runChild` waits for its end. */
export interface WatchedChild {
  readonly pid: number;
  /** What it has printed to standard error so far. */
  stderr(): string;
  /** Asks it to end, as Ctrl-C does. */
  interrupt(): void;
}

/**
 * Runs a process to its end, collecting what it prints. Killed after `timeoutMs`, then code is -1.
 *
 * @param watch  called once, when the process has started
 */
export async function runChild(
  spec: ChildSpec,
  timeoutMs: number,
  watch?: (child: WatchedChild) => void,
): Promise<ChildResult> {
  const start = performance.now();
  const child = spawnChild(spec);
  let stdout = "";
  let stderr = "";
  if (child.pid !== undefined)
    watch?.({ pid: child.pid, stderr: () => stderr, interrupt: () => void child.kill("SIGINT") });
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
  const abort = new AbortController();
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? -1));
  });
  void setTimeout(timeoutMs, undefined, { signal: abort.signal }).then(
    () => killGroup(child),
    () => undefined,
  );
  try {
    const code = await ended;
    return { code, stdout, stderr, wallMs: performance.now() - start };
  } finally {
    abort.abort();
  }
}

/** A process that goes on until it is stopped. */
export interface RunningChild {
  readonly pid: number;
  /** Ends it and everything it started, at once. */
  stop(): Promise<void>;
}

/**
 * Starts a process and waits until `isReady` says so.
 *
 * @throws {Error} with what it printed, when it ends or `timeoutMs` pass before that
 */
export async function startChild(
  spec: ChildSpec,
  isReady: (printed: string) => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<RunningChild> {
  const child = spawnChild(spec);
  let printed = "";
  const collect = (chunk: Buffer): void => {
    if (printed.length < 100_000) printed += chunk.toString("utf8");
  };
  child.stdout?.on("data", collect);
  child.stderr?.on("data", collect);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let failure: Error | undefined;
  child.once("error", (error) => (failure = error));
  const stop = performance.now() + timeoutMs;
  while (!(await isReady(printed))) {
    if (failure === undefined && child.exitCode === null && performance.now() < stop) {
      await setTimeout(50);
      continue;
    }
    killGroup(child);
    const why =
      failure?.message ?? (child.exitCode === null ? "not ready in time" : `exit code ${child.exitCode}`);
    throw new Error(`start ${spec.command} ${spec.args[0] ?? ""} [${why}]: ${printed.slice(-2_000)}`);
  }
  return {
    pid: child.pid ?? -1,
    stop: async () => {
      killGroup(child);
      await ended;
    },
  };
}

/** A port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no port"));
        else resolve(address.port);
      });
    });
  });
}

/**
 * Resident memory of a process and all its descendants now, in bytes; undefined where there is no /proc.
 */
export function residentBytesOfTree(root: number): number | undefined {
  return readProcessTree(root)?.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
}

/** One process of a tree, as the kernel counts it now. */
export interface ProcessMemory {
  readonly pid: number;
  /** Name of its program, e.g. `node` or `postgres`. */
  readonly program: string;
  readonly rssBytes: number;
  /** The most it ever had resident. */
  readonly peakRssBytes: number;
}

/** A process and all its descendants; undefined where there is no /proc. */
export function readProcessTree(root: number): ProcessMemory[] | undefined {
  if (!existsSync("/proc/self/status")) return undefined;
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const parent = /^\d+$/.test(entry) ? Number(statusField(entry, "PPid") ?? -1) : -1;
    if (parent >= 0) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const pidsOf = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(pidsOf)];
  return pidsOf(root).map((pid) => ({
    pid,
    program: statusField(String(pid), "Name") ?? "",
    rssBytes: kibibytes(statusField(String(pid), "VmRSS")),
    peakRssBytes: kibibytes(statusField(String(pid), "VmHWM")),
  }));
}

/** Memory of a process with shared pages divided by those who share them; undefined where it cannot be read. */
export function proportionalBytes(pid: number): number | undefined {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
    return kibibytes(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]);
  } catch {
    return undefined;
  }
}

function kibibytes(text: string | undefined): number {
  return Number(/^\d+/.exec(text ?? "")?.[0] ?? 0) * 1024;
}

function statusField(pid: string, field: string): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return new RegExp(`^${field}:\\s+(\\S+)`, "m").exec(status)?.[1];
  } catch {
    // The process ended between the listing and the reading.
    return undefined;
  }
}

/** Own process group, so that stopping it also ends what it started. */
function spawnChild(spec: ChildSpec): ChildProcess {
  return spawn(spec.command, [...spec.args], {
    cwd: spec.cwd,
    env: { ...process.env, ...spec.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}
