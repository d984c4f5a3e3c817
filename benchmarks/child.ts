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

/** Runs a process to its end, collecting what it prints. Killed after `timeoutMs`, then code is -1. */
export async function runChild(spec: ChildSpec, timeoutMs: number): Promise<ChildResult> {
  const start = performance.now();
  const child = spawnChild(spec);
  let stdout = "";
  let stderr = "";
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
  if (!existsSync("/proc/self/status")) return undefined;
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    const parent = /^\d+$/.test(entry) ? statusField(entry, "PPid") : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const sum = (pid: number): number =>
    (statusField(String(pid), "VmRSS") ?? 0) * 1024 +
    (children.get(pid) ?? []).reduce((total, child) => total + sum(child), 0);
  return sum(root);
}

function statusField(pid: string, field: string): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const value = new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1];
    return value === undefined ? undefined : Number(value);
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
