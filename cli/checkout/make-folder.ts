import { mkdirSync } from "node:fs";
import { PlatformError } from "../../schemas/platform-error.ts";

/** @param name  as the user called it  @throws {PlatformError} config_invalid */
export function makeFolder(folder: string, name: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new PlatformError("config_invalid", `write ${name}: expected a folder that can be written`, {
      cause,
      locations: [{ field: "--out", expected: "a folder that can be written", found: name }],
    });
  }
}
