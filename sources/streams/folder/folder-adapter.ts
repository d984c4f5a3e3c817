import { lstat, mkdir, readdir, realpath, rename } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { z } from "zod";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { spanMs } from "../../../schemas/live/source.ts";
import { pause } from "../pause.ts";
import type { Stream, StreamAdapter, StreamBatch, StreamMessage, Subscription } from "../stream.ts";
import { formatOf, readFileRows } from "./file-rows.ts";
import type { FileFormat } from "./file-rows.ts";

/** Files that were read, with what they looked like then, so that one that changed is read again. */
const positionSchema = z.object({
  files: z.record(
    z.string(),
    z.object({ size: z.number(), changedMs: z.number(), rows: z.int(), isDone: z.boolean() }),
  ),
});
type SeenFile = z.infer<typeof positionSchema>["files"][string];

const BATCH_ROWS = 5_000;
const DONE_FOLDER = "done";
/** What programs call a file that they are still writing. */
const UNFINISHED_NAME = /^\.|^~|\.(part|tmp|temp|crdownload|filepart)$/i;

/** A folder in which files appear: each is read once it rests, oldest first, and again when it has changed. */
export const folderAdapter: StreamAdapter<"folder"> = {
  kind: "folder",
  async subscribe(subscription) {
    return new FolderStream(subscription, await allowedFolder(subscription));
  },
};

/** @throws {PlatformError} invalid_feed: outside of what is allowed, by a link as well; source_unavailable: not there */
async function allowedFolder({ origin, policy }: Subscription<"folder">): Promise<string> {
  const wanted = resolve(policy.folders[0] ?? "/nowhere", origin.path);
  let real: string;
  try {
    real = await realpath(wanted);
  } catch (cause) {
    throw new PlatformError("source_unavailable", `watch folder [${origin.path}]: it is not there`, {
      cause,
    });
  }
  for (const folder of policy.folders) {
    const root = await realpath(folder).catch(() => undefined);
    if (root !== undefined && (real === root || real.startsWith(root.endsWith(sep) ? root : root + sep)))
      return real;
  }
  throw new PlatformError(
    "invalid_feed",
    `watch folder [${origin.path}]: expected one below AURA_FEED_FOLDERS`,
  );
}

interface OpenFile {
  readonly name: string;
  readonly size: number;
  readonly changedMs: number;
  readonly rows: AsyncIterator<StreamMessage[]>;
  nRows: number;
}

class FolderStream implements Stream {
  readonly #subscription: Subscription<"folder">;
  readonly #folder: string;
  readonly #matches: (name: string) => boolean;
  #files: Record<string, SeenFile>;
  #open: OpenFile | undefined;
  /** Read to its end by the batch before. */
  #ended: string | undefined;

  constructor(subscription: Subscription<"folder">, folder: string) {
    this.#subscription = subscription;
    this.#folder = folder;
    this.#matches = matcherOf(subscription.origin.files);
    const position = positionSchema.safeParse(subscription.position);
    this.#files = position.success ? { ...position.data.files } : {};
  }

  async batch(): Promise<StreamBatch> {
    const { signal, origin } = this.#subscription;
    while (!signal.aborted) {
      this.#open ??= await this.#next();
      if (this.#open !== undefined) return this.#read(this.#open);
      await pause(spanMs(origin.every), signal);
    }
    return { messages: [] };
  }

  async commit(): Promise<void> {
    const name = this.#ended;
    this.#ended = undefined;
    if (name !== undefined && this.#subscription.origin.done === "move") await this.#move(name);
  }

  async close(): Promise<void> {
    await this.#open?.rows.return?.();
    this.#open = undefined;
  }

  /** Rows up to a batch, or to the end of the file. */
  async #read(file: OpenFile): Promise<StreamBatch> {
    const messages: StreamMessage[] = [];
    let isDone = false;
    while (messages.length < BATCH_ROWS && !isDone) {
      const group = await file.rows.next();
      isDone = group.done === true;
      if (group.done === true) break;
      for (const message of group.value) {
        const nBefore = file.nRows + messages.length;
        messages.push({ ...message, place: `${file.name} ${nBefore}`, row: nBefore + 1 });
      }
    }
    file.nRows += messages.length;
    const { name, size, changedMs, nRows } = file;
    this.#files = { ...this.#files, [name]: { size, changedMs, rows: nRows, isDone } };
    if (isDone) {
      this.#open = undefined;
      this.#ended = name;
    }
    return { messages, position: { files: this.#files } };
  }

  /** The file that has rested longest among those that are new or have changed. */
  async #next(): Promise<OpenFile | undefined> {
    const { origin, policy } = this.#subscription;
    const present = await this.#present();
    for (const name of Object.keys(this.#files)) if (!present.has(name)) delete this.#files[name];
    const resting = Date.now() - spanMs(origin.settle);
    const waiting = [...present]
      .filter(([, file]) => file.changedMs <= resting)
      .sort(([a, x], [b, y]) => x.changedMs - y.changedMs || (a < b ? -1 : 1));
    for (const [name, { size, changedMs, format }] of waiting) {
      const seen = this.#files[name];
      const isSame = seen?.size === size && seen.changedMs === changedMs;
      if (isSame && seen.isDone) {
        // Its move was cut off by the end of a process.
        if (origin.done === "move") await this.#move(name);
        continue;
      }
      const from = rowsToSkip(seen, { size, isSame });
      const path = join(this.#folder, name);
      const rows = readFileRows({ path, name, format, from }, policy);
      return { name, size, changedMs, rows, nRows: from };
    }
    return undefined;
  }

  /** Regular files of the folder that are ours by name; links lead elsewhere and are left alone. */
  async #present(): Promise<Map<string, { size: number; changedMs: number; format: FileFormat }>> {
    const { origin } = this.#subscription;
    const files = new Map<string, { size: number; changedMs: number; format: FileFormat }>();
    let names: string[];
    try {
      names = await readdir(this.#folder);
    } catch (cause) {
      throw new PlatformError("source_unavailable", `watch folder [${origin.path}]: it cannot be read`, {
        cause,
      });
    }
    for (const name of names) {
      const format = origin.format === "auto" ? formatOf(name) : origin.format;
      if (format === undefined || UNFINISHED_NAME.test(name) || !this.#matches(name)) continue;
      const info = await lstat(join(this.#folder, name)).catch(() => undefined);
      // The change time follows the clock whatever a copying program sets the modification time to.
      if (info?.isFile() === true && info.size > 0)
        files.set(name, { size: info.size, changedMs: Math.max(info.ctimeMs, info.mtimeMs), format });
    }
    return files;
  }

  async #move(name: string): Promise<void> {
    const done = join(this.#folder, DONE_FOLDER);
    await mkdir(done, { recursive: true });
    const taken = new Set(await readdir(done));
    let target = name;
    for (let n = 1; taken.has(target); n++) target = `${name}.${n}`;
    await rename(join(this.#folder, name), join(done, target));
  }
}

/** A file that grew is read on from its last row, which may have been cut; any other is read anew. */
function rowsToSkip(
  seen: SeenFile | undefined,
  { size, isSame }: { readonly size: number; readonly isSame: boolean },
): number {
  if (seen === undefined) return 0;
  if (isSame) return seen.rows;
  return size > seen.size ? Math.max(0, seen.rows - 1) : 0;
}

/** `*` and `?` as shells have them. */
function matcherOf(pattern: string): (name: string) => boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  const expression = new RegExp(`^${source}$`);
  return (name) => expression.test(name);
}
