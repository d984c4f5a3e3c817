import { lstat, realpath } from "node:fs/promises";
import { sep } from "node:path";
import { PlatformError } from "../../schemas/platform-error.ts";

/**
 * Checks files before DuckDB opens them. DuckDB's own folder check looks at names only, so a hard or symbolic
 * link inside an allowed folder would pass it and show a file from elsewhere.
 *
 * @param paths       absolute paths
 * @param directories real paths of the allowed folders
 * @throws {PlatformError} integrity: not a regular file, more than one link, or outside the folders
 */
export async function requireReadableFiles(
  paths: readonly string[],
  directories: readonly string[],
): Promise<void> {
  for (const path of paths) {
    const name = path.slice(path.lastIndexOf(sep) + 1);
    const status = await lstat(path).catch((cause: unknown) => {
      throw new PlatformError("integrity", `read ${name}: the file is not there`, { cause });
    });
    if (!status.isFile()) throw new PlatformError("integrity", `read ${name}: expected a regular file`);
    if (status.nlink !== 1)
      throw new PlatformError(
        "integrity",
        `read ${name}: expected one link, got ${status.nlink} (hard link)`,
      );
    const real = await realpath(path);
    if (!directories.some((directory) => real.startsWith(directory + sep)))
      throw new PlatformError("integrity", `read ${name}: the file is outside the allowed folders`);
  }
}
