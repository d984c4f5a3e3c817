import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { packageRoot } from "../config/package-root.ts";
import { sha256Hex } from "../schemas/canonical-json.ts";
import type { BinarySearch } from "./server-binary.ts";

const PROGRESS_MS = 2_000;
/** The builder touches its lock at each report; a lock this old belongs to a dead builder. */
const STALE_LOCK_MS = 20_000;
const TAIL_LINES = 5;
/** Of the pinned module with Go's own (`go list -deps`), in tens; those that Go has in its cache are not compiled again. */
const N_PACKAGES = 1_300;

const moduleFolder = (): string => join(packageRoot(), "temporal-config", "dev-server-module");

/** First 12 hex digits of the SHA-256 of go.mod, go.sum and the kind of machine. */
export function modulePinHash(): string {
  const [mod, sum] = ["go.mod", "go.sum"].map((name) => readFileSync(join(moduleFolder(), name), "utf8"));
  return sha256Hex(`${mod}\0${sum}\0${process.platform}\0${process.arch}`).slice(0, 12);
}

/**
 * Builds the Temporal CLI from the pinned module and puts it at `target`, atomically.
 *
 * Two to three minutes on two idle cores, ten on busy ones, seconds when Go's own cache is warm. When
 * another process is building the same, this one waits for its result instead of building it twice.
 *
 * @param why  what made the build necessary, in words for people; stands before the progress
 * @throws {Error} Go is missing or the build failed; the message ends with the last lines it printed
 */
export async function buildTemporal(target: string, search: BinarySearch, why: string): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const lock = `${target}.building`;
  while (!takeLock(lock)) {
    search.onProgress?.("waiting for the Temporal server that another process builds");
    await sleep(PROGRESS_MS, undefined, { signal: search.signal });
    if (exists(target)) return;
  }
  const output = `${target}.${process.pid}`;
  try {
    await runGoBuild(output, { lock, search, why });
    renameSync(output, target);
  } finally {
    rmSync(output, { force: true });
    rmSync(lock, { force: true });
  }
}

/** Creates the lock file; takes over one whose owner has stopped touching it. */
function takeLock(lock: string): boolean {
  const age = exists(lock) ? Date.now() - statSync(lock).mtimeMs : 0;
  if (age > STALE_LOCK_MS) rmSync(lock, { force: true });
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    return false;
  }
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

interface GoBuild {
  /** Touched at each report. */
  readonly lock: string;
  readonly search: BinarySearch;
  readonly why: string;
}

async function runGoBuild(output: string, { lock, search, why }: GoBuild): Promise<void> {
  const started = performance.now();
  // -v names each package as it is compiled; -s -w leave out the debug tables (40 MB).
  const flags = ["-mod=readonly", "-buildvcs=false", "-v", "-ldflags=-s -w", "-o", output];
  const go = spawn("go", ["build", ...flags, "github.com/temporalio/cli/cmd/temporal"], {
    cwd: moduleFolder(),
    env: { ...search.environment, GOWORK: "off" },
    stdio: ["ignore", "ignore", "pipe"],
    ...(search.signal === undefined ? {} : { signal: search.signal }),
  });
  const tail: string[] = [];
  const count = { compiled: 0, downloaded: 0 };
  createInterface({ input: go.stderr }).on("line", (line) => {
    count[line.startsWith("go: downloading") ? "downloaded" : "compiled"] += 1;
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
  });
  const report = () => {
    const seconds = Math.round((performance.now() - started) / 1000);
    utimesSync(lock, new Date(), new Date());
    search.onProgress?.(
      `${why}, building it with Go instead: ${seconds} s, ${count.compiled} of at most ${N_PACKAGES} packages compiled, ${count.downloaded} modules fetched (once; a few minutes, more on a busy machine)`,
    );
  };
  report();
  const timer = setInterval(report, PROGRESS_MS);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      go.on("error", (cause: NodeJS.ErrnoException) => {
        reject(cause.code === "ENOENT" ? new Error("Go is not installed", { cause }) : cause);
      }).on("close", resolve);
    });
    if (code !== 0) throw new Error(`go build ended with ${code}: ${tail.join(" | ")}`);
  } finally {
    clearInterval(timer);
  }
}
