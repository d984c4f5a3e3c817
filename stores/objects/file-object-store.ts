import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { link, lstat, mkdir, opendir, readdir, readFile, realpath, rename, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { objectRefSchema } from "../../schemas/object-ref.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { asObjectError, errnoOf, integrityError } from "./object-errors.ts";
import { checkKey, checkPrefix, checkRawKey } from "./object-key.ts";
import { hashFile, openPlainFile, stampOf, syncFolder, writeNewFile } from "./plain-file.ts";
import type { ObjectStore } from "./port.ts";
import { VerifiedFiles } from "./verified-files.ts";

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const STALE_TEMPORARY_MS = 24 * 3_600_000;

/**
 * Objects as plain files under one folder.
 *
 *   <root>/<key>          the bytes; appears by link(2), which is atomic and never overwrites
 *   <root>/.meta/<key>    {key, sha256, bytes}; written after the link, rebuilt from the bytes when a crash lost it
 *   <root>/.tmp/<uuid>    being written
 *
 * Files with a second name in the file system are refused (a hard link would let bytes change under a
 * verified path), with one exception that heals itself: a crash between link and unlink leaves the second
 * name in `.tmp`, where the next reader removes it. The folder must be on a file system with hard links.
 */
export class FileObjectStore implements ObjectStore {
  readonly root: string;
  readonly #directory: string;
  readonly #verified = new VerifiedFiles();
  #ready: Promise<string> | undefined;

  /** @param directory absolute path; made on first use */
  constructor(directory: string) {
    this.root = pathToFileURL(directory).href;
    this.#directory = directory;
  }

  put(key: string, bytes: Uint8Array): Promise<ObjectRef> {
    return this.#write(key, () => bytes);
  }

  putFile(key: string, path: string): Promise<ObjectRef> {
    return this.#write(key, () => createReadStream(path, { highWaterMark: 1 << 20 }));
  }

  async get(ref: ObjectRef, maxBytes = DEFAULT_MAX_BYTES): Promise<Uint8Array> {
    if (ref.bytes > maxBytes) throw tooLarge(ref.key, ref.bytes, maxBytes);
    return this.#guarded(`get object [${ref.key}]`, async () => {
      const handle = await this.#open(ref);
      try {
        const bytes = await handle.readFile();
        const found = createHash("sha256").update(bytes).digest("hex");
        if (found !== ref.sha256) throw integrityError(ref.key, ref.sha256, found);
        return bytes;
      } finally {
        await handle.close();
      }
    });
  }

  /** The stored file itself, hashed unless this process did so already: a copy would only double the disk. */
  fetch(ref: ObjectRef): Promise<string> {
    return this.#guarded(`fetch object [${ref.key}]`, async () => {
      const path = await this.#pathOf(ref.key);
      const handle = await this.#open(ref);
      try {
        const found = await this.#verified.sha256Of(path, handle);
        if (found !== ref.sha256) throw integrityError(ref.key, ref.sha256, found);
        return path;
      } finally {
        await handle.close();
      }
    });
  }

  async head(key: string): Promise<ObjectRef | undefined> {
    return this.#guarded(`head object [${key}]`, async () => {
      const path = await this.#pathOf(key);
      if (!(await isPresent(path))) return undefined;
      return (await this.#readMeta(key)) ?? this.#rebuildMeta(key, path);
    });
  }

  async *list(prefix: string): AsyncIterable<{ readonly key: string; readonly bytes: number }> {
    checkPrefix(prefix);
    const root = await this.#root();
    const start = join(root, prefix.slice(0, prefix.lastIndexOf("/") + 1));
    for await (const path of walk(start)) {
      const key = relative(root, path).split(sep).join("/");
      if (!key.startsWith(prefix)) continue;
      const stat = await lstat(path).catch(() => undefined);
      if (stat?.isFile() === true) yield { key, bytes: stat.size };
    }
  }

  async delete(key: string): Promise<void> {
    await this.#guarded(`delete object [${key}]`, async () => {
      const path = await this.#pathOf(key);
      await rm(path, { force: true });
      await rm(await this.#metaPath(key), { force: true });
    });
  }

  async probe(): Promise<void> {
    await this.#guarded("probe object store", async () => {
      const path = join(await this.#root(), ".tmp", randomUUID());
      await writeNewFile(path, new Uint8Array([1]));
      await rm(path);
    });
  }

  async #write(key: string, content: () => Uint8Array | AsyncIterable<Uint8Array>): Promise<ObjectRef> {
    checkKey(key);
    return this.#guarded(`put object [${key}]`, async () => {
      const root = await this.#root();
      const path = await this.#pathOf(key, true);
      const temporary = join(root, ".tmp", randomUUID());
      const { sha256, bytes } = await writeNewFile(temporary, content());
      try {
        checkRawKey(key, sha256);
        await link(temporary, path);
        await syncFolder(dirname(path));
      } catch (error) {
        if (errnoOf(error) !== "EEXIST") throw error;
        await this.#requireSame({ key, sha256, bytes }, path);
      } finally {
        await rm(temporary, { force: true });
      }
      const ref = { key, sha256, bytes };
      if ((await this.#readMeta(key)) === undefined) await this.#writeMeta(ref);
      return ref;
    });
  }

  async #requireSame(ref: ObjectRef, path: string): Promise<void> {
    const present = await hashFile(path);
    if (present.sha256 === ref.sha256) return;
    throw new PlatformError(
      "conflict",
      `put object [${ref.key}]: exists with SHA-256 ${present.sha256}, got ${ref.sha256}`,
    );
  }

  /** Opens a stored object after checking that it is one plain file of the right length. */
  async #open(ref: ObjectRef): Promise<FileHandle> {
    const path = await this.#pathOf(ref.key);
    let handle: FileHandle;
    try {
      handle = await openPlainFile(path);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      throw new PlatformError("not_found", `read object [${ref.key}]: not in the store`, { cause: error });
    }
    try {
      const stamp = await stampOf(handle);
      if (stamp.bytes !== ref.bytes) {
        throw new PlatformError(
          "integrity",
          `read object [${ref.key}]: expected ${ref.bytes} bytes, got ${stamp.bytes}`,
        );
      }
      if (stamp.links !== 1) await this.#dropTemporaryNames(ref.key, handle);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Removes names in `.tmp` that a writer, alive or dead, still holds on a finished object. */
  async #dropTemporaryNames(key: string, handle: FileHandle): Promise<void> {
    const folder = join(await this.#root(), ".tmp");
    const { inode } = await stampOf(handle);
    for (const name of await readdir(folder)) {
      const stat = await lstat(join(folder, name), { bigint: true }).catch(() => undefined);
      if (stat !== undefined && `${stat.dev}:${stat.ino}` === inode) {
        await rm(join(folder, name), { force: true });
      }
    }
    if ((await stampOf(handle)).links === 1) return;
    throw new PlatformError("integrity", `read object [${key}]: the file has another name (hard link)`);
  }

  async #readMeta(key: string): Promise<ObjectRef | undefined> {
    try {
      const meta = objectRefSchema.safeParse(JSON.parse(await readFile(await this.#metaPath(key), "utf8")));
      return meta.success && meta.data.key === key ? meta.data : undefined;
    } catch (error) {
      if (error instanceof SyntaxError || errnoOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  async #rebuildMeta(key: string, path: string): Promise<ObjectRef> {
    const ref = { key, ...(await hashFile(path)) };
    await this.#writeMeta(ref);
    return ref;
  }

  async #writeMeta(ref: ObjectRef): Promise<void> {
    const path = await this.#metaPath(ref.key);
    const temporary = join(await this.#root(), ".tmp", randomUUID());
    await writeNewFile(temporary, Buffer.from(JSON.stringify(ref)));
    await mkdir(dirname(path), { recursive: true });
    await rename(temporary, path);
  }

  async #metaPath(key: string): Promise<string> {
    return join(await this.#root(), ".meta", `${key}.json`);
  }

  /** Path of a checked key; refuses a symbolic link anywhere between the root and the file. */
  async #pathOf(key: string, makeFolder = false): Promise<string> {
    checkKey(key);
    const root = await this.#root();
    const folder = join(root, dirname(key));
    if (makeFolder) await mkdir(folder, { recursive: true });
    const real = await realpath(folder).catch((error: unknown) => {
      if (errnoOf(error) === "ENOENT") return folder;
      throw error;
    });
    if (real !== folder)
      throw new PlatformError("integrity", `object [${key}]: a folder of its path is a link`);
    return join(root, key);
  }

  /** Real path of the root, with its own folders made and stale temporaries swept once. */
  #root(): Promise<string> {
    this.#ready ??= prepareRoot(this.#directory).catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async #guarded<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // A root that was removed or remounted is prepared again by the next call.
      if (errnoOf(error) === "ENOENT") this.#ready = undefined;
      throw asObjectError(operation, error);
    }
  }
}

function tooLarge(key: string, bytes: number, maxBytes: number): PlatformError {
  return new PlatformError(
    "body_too_large",
    `get object [${key}]: expected at most ${maxBytes} bytes, got ${bytes}`,
  );
}

async function isPresent(path: string): Promise<boolean> {
  const stat = await lstat(path).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  });
  return stat?.isFile() === true;
}

async function prepareRoot(directory: string): Promise<string> {
  const folder = join(directory, ".tmp");
  await mkdir(folder, { recursive: true, mode: 0o750 });
  const oldest = Date.now() - STALE_TEMPORARY_MS;
  for (const name of await readdir(folder)) {
    const stat = await lstat(join(folder, name)).catch(() => undefined);
    if (stat !== undefined && stat.mtimeMs < oldest) await rm(join(folder, name), { force: true });
  }
  return realpath(directory);
}

/** Plain files under a folder, without the adapter's own dot folders and without following links. */
async function* walk(folder: string): AsyncIterable<string> {
  let entries;
  try {
    entries = await opendir(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw asObjectError("list objects", error);
  }
  for await (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory()) yield* walk(join(folder, entry.name));
    else if (entry.isFile()) yield join(folder, entry.name);
  }
}
