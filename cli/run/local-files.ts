import { readdirSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { RawFile } from "../../schemas/data/dataset.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import { badFile } from "../../sources/files/bad-file.ts";
import { readHead, readTextBytes } from "../../sources/files/byte-stream.ts";
import { httpFileName, resolveFiles } from "../../sources/files/resolve-files.ts";
import { rawObjectOf } from "../file-hash.ts";

/** A file of --data with the identity of its bytes. */
export interface LocalFile {
  readonly raw: RawFile;
  /** Absolute. */
  readonly path: string;
}

/** More than that under --data is a wrong folder, such as the root. */
const MAX_NAMES = 100_000;

/** Files under --data by their name relative to it, with `/`. */
export interface DataFolder {
  /** Absolute. */
  readonly root: string;
  readonly names: readonly string[];
}

/**
 * Lists a folder, or one file as if it were alone in its folder. Hidden files and folders are left out; links to
 * files are followed, links to folders are not, because they can form circles.
 *
 * @throws {PlatformError} bad_file: it is not there, or has more than 100,000 files
 */
export function openDataFolder(data: string, cwd: string): DataFolder {
  const path = resolve(cwd, data);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw badFile(data, { expected: "a folder with the data", found: "nothing there" });
  if (!found.isDirectory()) return { root: dirname(path), names: [basename(path)] };
  const names: string[] = [];
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name.startsWith(".")) continue;
      const at = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(at);
      else if (statSync(at, { throwIfNoEntry: false })?.isFile() === true)
        names.push(relative(path, at).split(sep).join("/"));
      if (names.length > MAX_NAMES)
        throw badFile(data, { expected: `a folder of at most ${MAX_NAMES} files`, found: "more" });
    }
  }
  return { root: path, names };
}

/** Names under --data that a pipeline reads, each once. @throws {PlatformError} bad_file, as `resolveFiles` */
export function namesOf(pipeline: Pipeline, folder: DataFolder): readonly string[] {
  // What an HTTP source answers is fetched by the server: here it only has to count as present.
  const pulled = Object.entries(pipeline.sources)
    .filter(([, source]) => source.files === undefined)
    .map(([name]) => httpFileName(name));
  const resolved = resolveFiles(pipeline, [...folder.names, ...pulled]).map((file) => file.name);
  return [...new Set(resolved)].filter((name) => !pulled.includes(name));
}

/**
 * Reads every file once to know its hash and size; memory stays bounded.
 *
 * @throws {PlatformError} bad_file: empty, or it cannot be read; cancelled through `signal`
 */
export async function hashFiles(
  folder: DataFolder,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<readonly LocalFile[]> {
  const files: LocalFile[] = [];
  for (const name of names) files.push(await hashFile(name, join(folder.root, name), signal));
  return files;
}

async function hashFile(name: string, path: string, signal?: AbortSignal): Promise<LocalFile> {
  let object: ObjectRef;
  try {
    object = await rawObjectOf(path, signal);
  } catch (cause) {
    if (signal?.aborted === true) throw new PlatformError("cancelled", "interrupted", { cause });
    throw badFile(name, { expected: "a readable file", found: "one that cannot be read", cause });
  }
  if (object.bytes === 0) throw badFile(name, { expected: "a file with rows", found: "an empty file" });
  return { path, raw: { name, object } };
}

/**
 * Unpacks the gzip files among them once, so that a damaged one is named before anything is uploaded.
 *
 * @throws {PlatformError} bad_file: every damaged file
 */
export async function checkGzip(files: readonly LocalFile[]): Promise<void> {
  const damaged: PlatformError[] = [];
  for (const { raw, path } of files) {
    const file = { name: raw.name, localPath: path };
    try {
      if (!(await readHead(file)).isGzip) continue;
      for await (const _chunk of readTextBytes(file, true));
    } catch (error) {
      if (!isPlatformError(error) || error.code !== "bad_file") throw error;
      damaged.push(error);
    }
  }
  if (damaged.length === 0) return;
  throw new PlatformError("bad_file", damaged.map((one) => one.message).join("; "), {
    locations: damaged.flatMap((one) => one.locations),
  });
}
