import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { spawn } from "node:child_process";
import { PlatformError } from "../schemas/platform-error.ts";
import { buildTemporal, modulePinHash } from "./server-build.ts";
import { downloadTemporal, TEMPORAL_CLI_VERSION } from "./server-download.ts";

/**
 * Where the `temporal` binary of the embedded server comes from, in this order:
 *
 *   1. `AURA_TEMPORAL_CLI`   a file the user names
 *   2. PATH                  when its server is 1.29 or newer
 *   3. the cache             what 4 or 5 left: $XDG_CACHE_HOME/aura/temporal/<version>-<pin>/temporal
 *   4. the download          the release archive, checked against a hash that stands in this repository
 *   5. a build with Go       from the pinned module beside this file, through the Go module proxy
 *
 * `TEMPORAL_ADDRESS` goes before all of them: then no server is started. The download replaces the one
 * inside the SDK, which is reachable only from its testing package and checks no hash.
 */

export type TemporalSource = "setting" | "path" | "cache" | "download" | "build";

export interface TemporalBinary {
  readonly path: string;
  readonly source: TemporalSource;
}

export interface BinarySearch {
  /** `AURA_TEMPORAL_CLI`. */
  readonly cli?: string;
  /** Variables of the process: PATH, HOME, XDG_CACHE_HOME and what Go reads. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told what takes time, in words for people. */
  readonly onProgress?: (message: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The binary if it is on this machine already (steps 1 to 3); nothing is fetched.
 *
 * @throws {PlatformError} config_invalid when AURA_TEMPORAL_CLI is not an executable file
 */
export async function findTemporalBinary(search: BinarySearch): Promise<TemporalBinary | undefined> {
  if (search.cli !== undefined) {
    if (isExecutable(search.cli)) return { path: search.cli, source: "setting" };
    throw new PlatformError(
      "config_invalid",
      `AURA_TEMPORAL_CLI [${search.cli}]: expected an executable file`,
      {
        locations: [{ field: "AURA_TEMPORAL_CLI", found: search.cli }],
      },
    );
  }
  const onPath = findOnPath("temporal", search.environment["PATH"]);
  if (onPath !== undefined && (await hasRecentServer(onPath))) return { path: onPath, source: "path" };
  const cached = cachedBinaryPath(search.environment);
  return isExecutable(cached) ? { path: cached, source: "cache" } : undefined;
}

/**
 * The binary, fetched or built when it is not here: seconds from the cache, minutes the first time.
 *
 * @throws {PlatformError} platform_part_missing: every step failed; the message says what each one found
 */
export async function resolveTemporalBinary(search: BinarySearch): Promise<TemporalBinary> {
  const found = await findTemporalBinary(search);
  if (found !== undefined) return found;
  const target = cachedBinaryPath(search.environment);
  const attempt = async (make: () => Promise<void>): Promise<string | undefined> => {
    try {
      await make();
      return undefined;
    } catch (error) {
      search.signal?.throwIfAborted();
      return error instanceof Error ? error.message : String(error);
    }
  };
  const noDownload = await attempt(() => downloadTemporal(target, search));
  if (noDownload === undefined) return { path: target, source: "download" };
  const why = `the download failed (${noDownload}; a Temporal CLI on PATH or named by AURA_TEMPORAL_CLI needs neither)`;
  const noBuild = await attempt(() => buildTemporal(target, search, why));
  if (noBuild === undefined) return { path: target, source: "build" };
  throw new PlatformError(
    "platform_part_missing",
    `find the Temporal server [not on PATH, not in the cache; download: ${noDownload}; build: ${noBuild}]: install the Temporal CLI ${TEMPORAL_CLI_VERSION} or newer, or install Go 1.25 or newer, or set TEMPORAL_ADDRESS`,
  );
}

/** Path in the user's cache; the pin changes with the versions in go.mod and go.sum. */
export function cachedBinaryPath(environment: BinarySearch["environment"]): string {
  const cache = environment["XDG_CACHE_HOME"] ?? join(environment["HOME"] ?? homedir(), ".cache");
  return join(cache, "aura", "temporal", `${TEMPORAL_CLI_VERSION}-${modulePinHash()}`, "temporal");
}

/** First executable file of this name in a PATH variable. */
export function findOnPath(name: string, path: string | undefined): string | undefined {
  return (path ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** `temporal --version` says e.g. `temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)`. */
async function hasRecentServer(path: string): Promise<boolean> {
  const output = await new Promise<string>((resolve) => {
    const child = spawn(path, ["--version"], { stdio: ["ignore", "pipe", "ignore"], timeout: 5_000 });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    child.on("error", () => resolve("")).on("close", () => resolve(text));
  });
  const match = /Server (\d+)\.(\d+)/.exec(output);
  if (match === null) return false;
  const [major = 0, minor = 0] = match.slice(1).map(Number);
  return major > 1 || (major === 1 && minor >= 29);
}
