import { createHash } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PlatformError } from "../../schemas/platform-error.ts";
import { apiPath } from "../client.ts";
import type { ApiClient } from "../client.ts";
import { rawObjectOf } from "../file-hash.ts";
import type { DataTable, DataVersion } from "./data-version.ts";

export interface WrittenPart {
  readonly path: string;
  /** It was there with the same bytes. */
  readonly isKept: boolean;
}

/** A file that is checked out: where it is asked for, what it must hash to, and where it goes. */
export interface WantedFile {
  /** Path of the API. */
  readonly from: string;
  readonly sha256: string;
  readonly path: string;
}

/**
 * Downloads the parts of a table into `<folder>/<table>/`.
 *
 * @throws as writeFile
 */
export async function writeParts(
  client: ApiClient,
  { kind, id }: DataVersion,
  { table, folder }: { readonly table: DataTable; readonly folder: string },
): Promise<WrittenPart[]> {
  const inside = join(folder, table.name);
  mkdirSync(inside, { recursive: true });
  const written: WrittenPart[] = [];
  for (const [index, { object }] of table.parts.entries()) {
    const path = join(inside, `part-${String(index).padStart(5, "0")}.parquet`);
    const { sha256 } = object;
    const from = apiPath`/v1/data/${kind}/${id}/parts/${sha256}`;
    written.push({ path, isKept: await writeFile(client, { from, sha256, path }) });
  }
  return written;
}

/**
 * A file appears under its name whole and with the hash that was asked for, or not at all; one that is there already
 * with these bytes is kept.
 *
 * @returns whether it was kept
 * @throws {PlatformError} integrity: other bytes came
 */
export async function writeFile(client: ApiClient, { from, sha256, path }: WantedFile): Promise<boolean> {
  if (existsSync(path) && (await rawObjectOf(path)).sha256 === sha256) return true;
  const partial = `${path}.partial`;
  const hash = createHash("sha256");
  try {
    const hashed = Readable.fromWeb(await client.getStream(from)).on("data", (chunk: Buffer) =>
      hash.update(chunk),
    );
    await pipeline(hashed, createWriteStream(partial));
    const got = hash.digest("hex");
    if (got !== sha256)
      throw new PlatformError("integrity", `check out ${path}: expected sha256 ${sha256}, got ${got}`);
    renameSync(partial, path);
    return false;
  } finally {
    rmSync(partial, { force: true });
  }
}
