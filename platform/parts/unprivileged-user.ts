import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { PlatformError } from "../../schemas/platform-error.ts";

/** Numeric ids, as `spawn` takes them. */
export interface UnprivilegedUser {
  readonly uid: number;
  readonly gid: number;
}

/** In order of preference: a user made for it, else the one that owns nothing. */
const CANDIDATES = ["postgres", "nobody"];

/**
 * The user PostgreSQL runs as when this process is root, which the server refuses; undefined when it is not.
 *
 * @throws {PlatformError} platform_part_missing: root, and neither user exists
 */
export function unprivilegedUser(): UnprivilegedUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = new Map(
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name = "", , uid, gid]) => [name, { uid: Number(uid), gid: Number(gid) }]),
  );
  for (const name of CANDIDATES) {
    const user = users.get(name);
    if (user !== undefined && user.uid > 0) return user;
  }
  throw new PlatformError(
    "platform_part_missing",
    `run PostgreSQL [as root, and there is no user ${CANDIDATES.join(" or ")}]: start AURA as another user, or set DATABASE_URL`,
  );
}

/** Whether the user can write into the folder: every folder above it lets it pass. */
export function canWrite(user: UnprivilegedUser, folder: string): boolean {
  const { status } = spawnSync("/bin/sh", ["-c", 'test -w "$1" && test -x "$1"', "sh", folder], {
    cwd: "/",
    env: {},
    stdio: "ignore",
    ...user,
  });
  return status === 0;
}
