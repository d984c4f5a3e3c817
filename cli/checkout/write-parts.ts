import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ParquetPart } from "../../schemas/dataset.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { apiPath } from "../client.ts";
import type { ApiClient } from "../client.ts";
import type { DataTable, DataVersion } from "./data-version.ts";

export interface WrittenPart {
  readonly path: string;
  /** It was there with the same bytes. */
  readonly isKept: boolean;
}

/**
 * Downloads the parts of a table into `<folder>/<table>/`. A part appears under its name whole and with the hash of the
 * manifest, or not at all; one that is there already with these bytes is kept.
 *
 * @throws {PlatformError} integrity: other bytes came
 */
export async function writeParts(
  client: ApiClient,
  version: DataVersion,
  { table, folder }: { readonly table: DataTable; readonly folder: string },
): Promise<WrittenPart[]> {
  const inside = join(folder, table.name);
  mkdirSync(inside, { recursive: true });
  const written: WrittenPart[] = [];
  for (const [index, part] of table.parts.entries()) {
    const path = join(inside, `part-${String(index).padStart(5, "0")}.parquet`);
    const isKept = existsSync(path) && (await sha256Of(path)) === part.object.sha256;
    if (!isKept) await download(client, version, { part, path });
    written.push({ path, isKept });
  }
  return written;
}

async function download(
  client: ApiClient,
  { kind, id }: DataVersion,
  { part, path }: { readonly part: ParquetPart; readonly path: string },
): Promise<void> {
  const { sha256 } = part.object;
  const partial = `${path}.partial`;
  const hash = createHash("sha256");
  try {
    const bytes = await client.getStream(apiPath`/v1/data/${kind}/${id}/parts/${sha256}`);
    const hashed = Readable.fromWeb(bytes).on("data", (chunk: Buffer) => hash.update(chunk));
    await pipeline(hashed, createWriteStream(partial));
    const got = hash.digest("hex");
    if (got !== sha256)
      throw new PlatformError("integrity", `check out ${path}: expected sha256 ${sha256}, got ${got}`);
    renameSync(partial, path);
  } finally {
    rmSync(partial, { force: true });
  }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
