import { existsSync, rmSync } from "node:fs";
import { PlatformError } from "../schemas/platform-error.ts";
import { endOrphans } from "./orphans.ts";
import { acquireLock } from "./process/lock.ts";
import { readRecord, statePaths } from "./state-dir.ts";

/** The only place outside the state folder that data of the embedded platform is ever put in. */
const OUTSIDE = /^\/var\/lib\/aura\/[0-9a-f]{16}$/;

/**
 * Deletes a state folder and the database's folder that belongs to it.
 *
 * The lock is held meanwhile. Only a folder with AURA's marker is deleted, and of what platform.json
 * names only a folder of the form AURA makes: the file may have been edited.
 *
 * @returns the folders that were deleted; none when there is no state
 * @throws {PlatformError} platform_locked: it is running; config_invalid: the folder is not AURA's
 */
export async function deleteState(stateDir: string): Promise<readonly string[]> {
  const paths = statePaths(stateDir);
  if (!existsSync(stateDir)) return [];
  if (!existsSync(paths.marker)) {
    throw new PlatformError(
      "config_invalid",
      `delete [${stateDir}]: it has no ${paths.marker}, so it is not AURA's`,
      {
        locations: [{ field: "AURA_STATE_DIR" }],
      },
    );
  }
  const lock = acquireLock(paths.lock);
  const record = readRecord(paths);
  await endOrphans(record);
  const outside = record.postgresDirectory;
  const folders = [stateDir, ...(outside !== undefined && OUTSIDE.test(outside) ? [outside] : [])];
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  lock.release();
  return folders;
}
