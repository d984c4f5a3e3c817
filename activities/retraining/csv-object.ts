import { createHash } from "node:crypto";
import { mkdtemp, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RawFile } from "../../schemas/data/dataset.ts";
import { exactCsvText } from "../../schemas/text/csv.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { Beat } from "../heartbeat.ts";

type Row = readonly (string | number)[];

export interface CsvJob {
  /** Of the raw file. */
  readonly name: string;
  readonly header: Row;
  readonly pages: AsyncIterable<readonly Row[]>;
  readonly beat: Beat;
}

/**
 * Stores rows as a raw CSV file, a page at a time: memory holds one page.
 *
 * @returns undefined where there is no row
 */
export async function putCsv(
  { objects, scratchDir }: Pick<ActivityDeps, "objects" | "scratchDir">,
  { name, header, pages, beat }: CsvJob,
): Promise<{ readonly file: RawFile; readonly n: number } | undefined> {
  const scratch = await mkdtemp(join(scratchDir, "extract-"));
  try {
    const path = join(scratch, "rows.csv");
    const hash = createHash("sha256");
    const file = await open(path, "w");
    let n = 0;
    try {
      const write = async (rows: readonly Row[]) => {
        const text = exactCsvText(rows.map((row) => [...row]));
        hash.update(text);
        await file.writeFile(text);
      };
      await write([header]);
      for await (const rows of pages) {
        beat.signal.throwIfAborted();
        await write(rows);
        n += rows.length;
        beat.report({ file: name, rows: n });
      }
    } finally {
      await file.close();
    }
    if (n === 0) return undefined;
    return { n, file: { name, object: await objects.putFile(`raw/sha256/${hash.digest("hex")}`, path) } };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
