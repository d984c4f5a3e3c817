import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, createWriteStream, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { once } from "node:events";
import type { BinarySearch } from "./server-binary.ts";

/** Version of the CLI that is downloaded or built; `dev-server-module/go.mod` names the same. */
export const TEMPORAL_CLI_VERSION = "1.5.1";

/** SHA-256 of the release archives of that version, by `process.platform` and `process.arch`. */
const ARCHIVES: Readonly<Record<string, { readonly name: string; readonly sha256: string }>> = {
  "linux-x64": {
    name: "linux_amd64",
    sha256: "ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d",
  },
  "linux-arm64": {
    name: "linux_arm64",
    sha256: "bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5",
  },
  "darwin-x64": {
    name: "darwin_amd64",
    sha256: "bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9",
  },
  "darwin-arm64": {
    name: "darwin_arm64",
    sha256: "cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415",
  },
};

/** Without an answer, or without a further byte, for this long the download is given up. */
const STALL_MS = 10_000;

/** How long a question whether the archive can be had waits for an answer. */
const PROBE_MS = 5_000;

/**
 * Downloads the release archive, checks its hash and puts the binary at `target`, atomically.
 *
 * @throws {Error} no archive for this machine, no network, wrong hash
 */
export async function downloadTemporal(target: string, search: BinarySearch): Promise<void> {
  const archive = archiveHere();
  const folder = dirname(target);
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, "download-"));
  try {
    const file = join(work, "temporal.tar.gz");
    const { name, url } = archive;
    const sha256 = await fetchToFile(url, file, search);
    if (sha256 !== archive.sha256) {
      throw new Error(`SHA-256 of ${name}: expected ${archive.sha256}, got ${sha256}`);
    }
    // tar is part of both systems that PostgreSQL's binaries exist for, Linux and macOS.
    const tar = spawnSync("tar", ["-xzf", file, "-C", work, "temporal"], { encoding: "utf8" });
    if (tar.status !== 0) throw new Error(`unpack ${name}: ${tar.error?.message ?? tar.stderr}`);
    chmodSync(join(work, "temporal"), 0o755);
    renameSync(join(work, "temporal"), target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Whether the archive can be had from here: only its headers are asked for.
 *
 * @returns why not; undefined when it can
 */
export async function whyNoDownload(): Promise<string | undefined> {
  try {
    const { url } = archiveHere();
    const { ok, status } = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(PROBE_MS) });
    return ok ? undefined : `HTTP ${status}`;
  } catch (error) {
    return reasonOf(error);
  }
}

/** @throws {Error} no archive for this machine */
function archiveHere(): { readonly name: string; readonly url: string; readonly sha256: string } {
  const machine = `${process.platform}-${process.arch}`;
  const archive = ARCHIVES[machine];
  if (archive === undefined) throw new Error(`no archive for ${machine}`);
  const name = `temporal_cli_${TEMPORAL_CLI_VERSION}_${archive.name}.tar.gz`;
  const url = `https://github.com/temporalio/cli/releases/download/v${TEMPORAL_CLI_VERSION}/${name}`;
  return { name, url, sha256: archive.sha256 };
}

/** What `fetch` puts into the cause, in words for people. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "no answer";
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** Writes the body of `url` to `file`. @returns its SHA-256, lower-case hex */
async function fetchToFile(url: string, file: string, search: BinarySearch): Promise<string> {
  const stall = new AbortController();
  const signal = search.signal === undefined ? stall.signal : AbortSignal.any([stall.signal, search.signal]);
  const arm = () => setTimeout(() => stall.abort(new Error(`no answer for ${STALL_MS / 1000} s`)), STALL_MS);
  let timer = arm();
  try {
    search.onProgress?.(`downloading the Temporal server ${TEMPORAL_CLI_VERSION}`);
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
    const hash = createHash("sha256");
    const out = createWriteStream(file, { mode: 0o600 });
    for await (const chunk of response.body) {
      clearTimeout(timer);
      timer = arm();
      hash.update(chunk);
      if (!out.write(chunk)) await once(out, "drain");
    }
    out.end();
    await once(out, "close");
    return hash.digest("hex");
  } catch (error) {
    throw new Error(reasonOf(error), { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
