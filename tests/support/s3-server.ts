import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { packageRoot } from "../../config/package-root.ts";
import { freePort } from "./free-port.ts";

const MODULE = "github.com/versity/versitygw/cmd/versitygw";
const BUILD_TIMEOUT_MS = 240_000;
const READY_TIMEOUT_MS = 15_000;

export const S3_TEST_ACCESS_KEY = "aura-test";
export const S3_TEST_SECRET_KEY = "aura-test-secret";

export interface S3TestServer {
  readonly endpoint: string;
  readonly bucket: string;
  /** Folder whose files are the objects of the bucket. */
  readonly directory: string;
  /** Ends its process; what it stores stays. */
  stop(): Promise<void>;
  /** Starts it again after `stop`, at the same address. */
  start(): Promise<void>;
  /** Stops it and removes its files. */
  dispose(): Promise<void>;
}

/**
 * A real S3 server (versitygw over a folder) on a free loopback port.
 *
 * Its binary is built once from the pinned module in `tests/support/versitygw` (about 45 s) and kept under
 * `~/.cache/aura`.
 *
 * @returns the server, or why it cannot be had on this machine
 */
export async function startS3TestServer(): Promise<S3TestServer | { readonly missing: string }> {
  let binary: string;
  try {
    binary = (await resolveVersitygw()).path;
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
  const folder = mkdtempSync(join(tmpdir(), "aura-s3-"));
  const directory = join(folder, "data", "aura");
  mkdirSync(directory, { recursive: true });
  mkdirSync(join(folder, "metadata"));
  const port = await freePort();
  // The sidecar keeps metadata in files: extended attributes are missing on many temporary file systems.
  const args = [
    "--port",
    `127.0.0.1:${port}`,
    "posix",
    "--sidecar",
    join(folder, "metadata"),
    join(folder, "data"),
  ];
  const launch = () =>
    spawn(binary, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        PATH: process.env["PATH"],
        ROOT_ACCESS_KEY: S3_TEST_ACCESS_KEY,
        ROOT_SECRET_KEY: S3_TEST_SECRET_KEY,
      },
    });
  let child = launch();
  const stop = () => end(child);
  const start = async (): Promise<void> => {
    child = launch();
    const failure = await readiness(child, endpoint);
    if (failure !== undefined) throw new Error(failure);
  };
  const dispose = async (): Promise<void> => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const endpoint = `http://127.0.0.1:${port}`;
  const failure = await readiness(child, endpoint);
  if (failure === undefined) return { endpoint, bucket: "aura", directory, stop, start, dispose };
  await dispose();
  return { missing: failure };
}

/**
 * The server's binary, built when it is not in the cache.
 *
 * @throws {Error} Go is missing, or the build failed
 */
export async function resolveVersitygw(): Promise<{
  readonly path: string;
  readonly source: "cache" | "build";
}> {
  const folder = join(packageRoot(), "tests", "support", "versitygw");
  const pins = ["go.mod", "go.sum"].map((name) => readFileSync(join(folder, name)));
  const pin = createHash("sha256").update(Buffer.concat(pins)).digest("hex").slice(0, 12);
  const target = join(homedir(), ".cache", "aura", "versitygw", pin, "versitygw");
  if (existsSync(target)) return { path: target, source: "cache" };
  mkdirSync(join(target, ".."), { recursive: true });
  const output = `${target}.${process.pid}`;
  const go = spawn(
    "go",
    ["build", "-mod=readonly", "-buildvcs=false", "-ldflags=-s -w", "-o", output, MODULE],
    {
      cwd: folder,
      env: { ...process.env, GOWORK: "off" },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: BUILD_TIMEOUT_MS,
    },
  );
  let log = "";
  go.stderr.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-1_000)));
  const code = await new Promise<number | null>((resolve, reject) => {
    go.on("error", () => reject(new Error("versitygw needs Go, which is not installed")));
    go.on("close", resolve);
  });
  if (code !== 0) throw new Error(`versitygw could not be built: ${log.trim().split("\n").at(-1) ?? code}`);
  renameSync(output, target);
  return { path: target, source: "build" };
}

async function readiness(child: ChildProcess, endpoint: string): Promise<string | undefined> {
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-1_000)));
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) return `versitygw ended: ${log.trim()}`;
    const answer = await fetch(endpoint).catch(() => undefined);
    if (answer !== undefined) {
      await answer.body?.cancel();
      return undefined;
    }
    await sleep(50);
  }
  return "versitygw did not answer";
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}
