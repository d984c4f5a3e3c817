import type { RawFile } from "../../schemas/data/dataset.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { ApiDeps } from "../deps.ts";

const RAW_KEY = /^raw\/sha256\/([0-9a-f]{64})$/;
const CONCURRENT_LOOKS = 16;

/**
 * Holds the raw files a client names against the store: only uploaded originals, by their hash. There is no
 * way to name a path of the server or another object.
 *
 * @throws {PlatformError} invalid_body (another key, a wrong hash or size, a doubled name), not_found
 */
export async function checkRawFiles(
  { objects, database }: Pick<ApiDeps, "objects" | "database">,
  files: readonly RawFile[],
): Promise<void> {
  const names = new Set<string>();
  files.forEach(({ name, object }, i) => {
    if (names.has(name)) throw refuse(i, "name", "each name once");
    names.add(name);
    if (RAW_KEY.exec(object.key)?.[1] !== object.sha256) throw refuse(i, "object.key", "raw/sha256/<sha256>");
  });
  // Before the look: what is found then stays, what housekeeping is just deleting is not found.
  await database().retention.useObjects(files.map(({ object }) => object.key));
  for (let start = 0; start < files.length; start += CONCURRENT_LOOKS) {
    await Promise.all(
      files.slice(start, start + CONCURRENT_LOOKS).map(async ({ name, object }, k) => {
        const stored = await objects.head(object.key);
        if (stored === undefined)
          throw new PlatformError("not_found", `read upload [${name}]: it is not stored`);
        if (stored.bytes !== object.bytes) throw refuse(start + k, "object.bytes", "the size of the upload");
      }),
    );
  }
}

function refuse(index: number, member: string, expected: string): PlatformError {
  const field = `files.${index}.${member}`;
  return new PlatformError("invalid_body", `read body [${field}]: expected ${expected}`, {
    locations: [{ field, expected }],
  });
}
