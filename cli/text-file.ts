import { readFileSync } from "node:fs";
import { PlatformError } from "../schemas/platform-error.ts";

/**
 * @param shown the name that was given
 * @throws {PlatformError} bad_file
 */
export function readTextFile(path: string, shown: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new PlatformError("bad_file", `read ${shown}: it cannot be read`, { cause });
  }
}
