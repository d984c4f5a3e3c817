import { createReadStream } from "node:fs";
import { rawFileSchema } from "../../schemas/data/dataset.ts";
import type { RawFile } from "../../schemas/data/dataset.ts";
import { isPlatformError } from "../../schemas/platform-error.ts";
import { badFile } from "../../sources/files/bad-file.ts";
import type { ApiClient } from "../client.ts";
import type { Output } from "../output.ts";
import type { LocalFile } from "./local-files.ts";

/**
 * Starts something on files, sending only what the server does not have: it is asked first with the hashes
 * alone, and refuses with `not_found` unless every original is stored already.
 *
 * @param start  sends the request; called once or twice
 * @throws {PlatformError} bad_file: a file that changed since it was hashed; whatever `start` throws
 */
export async function startWithFiles<T>(
  files: readonly LocalFile[],
  { client, output }: { readonly client: ApiClient; readonly output: Output },
  start: (files: readonly RawFile[]) => Promise<T>,
): Promise<T> {
  const raw = files.map((file) => file.raw);
  try {
    return await start(raw);
  } catch (error) {
    if (!isPlatformError(error) || error.code !== "not_found" || files.length === 0) throw error;
  }
  for (const [index, file] of files.entries()) {
    output.progress(`uploading ${index + 1}/${files.length} ${file.raw.name} (${sizeText(file)})`);
    await uploadFile(client, file);
  }
  output.endProgress();
  return start(raw);
}

/** Sends one file. @throws {PlatformError} bad_file: it was changed meanwhile */
export async function uploadFile(client: ApiClient, { raw, path }: LocalFile): Promise<void> {
  const stored = await client.putStream("/v1/uploads", {
    bytes: createReadStream(path, { highWaterMark: 1 << 20 }),
    length: raw.object.bytes,
    query: { name: raw.name },
    reply: rawFileSchema,
  });
  if (stored.object.sha256 !== raw.object.sha256)
    throw badFile(raw.name, {
      expected: "the bytes that were hashed",
      found: "other ones: it was changed meanwhile",
    });
}

function sizeText({ raw }: LocalFile): string {
  const { bytes } = raw.object;
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
