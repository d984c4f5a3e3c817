import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { brokenLine } from "./ledger.ts";
import type { Ledger, SentReading } from "./ledger.ts";
import { readingBody } from "./reading-series.ts";
import type { ReadingSeries } from "./reading-series.ts";

export interface FileDeviceOptions {
  /** The watched folder: what was read is moved into `done` below it. */
  readonly folder: string;
  readonly part: () => string;
  readonly series: ReadingSeries;
  readonly ledger: Ledger;
  /** No more files are written then; those that were are waited for. */
  readonly signal: AbortSignal;
}

const LINES = 100;
const EVERY_MS = 200;
/** Files that wait to be read; no more are written meanwhile. */
const MOST_WAITING = 20;

/** Puts file after file into a watched folder. The file that was moved away was read: that is the acknowledgement. */
export async function runFileDevice(options: FileDeviceOptions): Promise<void> {
  const { folder, ledger, signal } = options;
  const done = join(folder, "done");
  await mkdir(done, { recursive: true });
  const waiting = new Map<string, readonly (SentReading | string)[]>();
  for (let n = 0; !signal.aborted || waiting.size > 0;) {
    if (!signal.aborted && waiting.size < MOST_WAITING) {
      const name = `${String((n += 1)).padStart(6, "0")}.jsonl`;
      waiting.set(name, await write(options, name));
      ledger.sent(LINES + 1);
    }
    await sleep(EVERY_MS);
    for (const name of await readdir(done)) {
      const lines = waiting.get(name);
      if (lines === undefined) continue;
      ledger.acknowledged("files", lines);
      waiting.delete(name);
      await rm(join(done, name));
    }
  }
}

async function write(
  { folder, part, series }: FileDeviceOptions,
  name: string,
): Promise<readonly (SentReading | string)[]> {
  const lines = [...series.take(LINES), brokenLine(part(), name)];
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(readingBody(line))));
  const path = join(folder, name);
  await writeFile(`${path}.tmp`, `${text.join("\n")}\n`);
  await rename(`${path}.tmp`, path);
  return lines;
}
