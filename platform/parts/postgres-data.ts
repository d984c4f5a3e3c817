import { randomBytes } from "node:crypto";
import { spawn } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { sha256Hex } from "../../schemas/canonical-json.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { endProcess, identifyProcess, programOf } from "../process/identity.ts";
import type { StatePaths } from "../state-dir.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { canWrite, unprivilegedUser } from "./unprivileged-user.ts";
import type { UnprivilegedUser } from "./unprivileged-user.ts";

export const POSTGRES_USER = "aura";
export const POSTGRES_DATABASE = "aura";

/**
 * The folder that holds the cluster's own folder: the state folder, or, when root has a checkout that
 * the database's user cannot reach (under /root), /var/lib/aura/<hash of the state folder>. Not the
 * temporary folder: that may be emptied, and this is the data.
 *
 * @param remembered  the outside folder of the last start: it stays the right one when the checkout moves
 */
export function choosePostgresDirectory(paths: StatePaths, remembered: string | undefined): string {
  if (remembered !== undefined && existsSync(remembered)) return remembered;
  const user = unprivilegedUser();
  const inside = join(paths.root, "postgres");
  if (makeOwned(inside, user)) return inside;
  rmSync(inside, { recursive: true, force: true });
  const outside = join("/var/lib/aura", sha256Hex(paths.root).slice(0, 16));
  if (makeOwned(outside, user)) return outside;
  throw new PlatformError(
    "platform_part_missing",
    `make the database's folder [${inside} and ${outside}]: its user cannot write there; set DATABASE_URL`,
  );
}

function makeOwned(folder: string, user: UnprivilegedUser | undefined): boolean {
  // Only the folder itself is private: its user must get through those above it.
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (user === undefined) return true;
  chownSync(folder, user.uid, user.gid);
  return canWrite(user, folder);
}

/** The password of the embedded database's one user, made at the first call. 192 random bits. */
export function postgresPassword(paths: StatePaths): string {
  if (!existsSync(paths.postgresPassword)) {
    writeFileSync(paths.postgresPassword, randomBytes(24).toString("hex"), { mode: 0o600 });
  }
  return readFileSync(paths.postgresPassword, "utf8").trim();
}

export interface ClusterOptions {
  readonly binaries: PostgresBinaries;
  readonly directory: string;
  readonly password: string;
  readonly user: UnprivilegedUser | undefined;
}

/**
 * Makes the cluster at its first start, in a folder beside its final place and then renamed, so that a
 * killed initdb leaves nothing that looks like data.
 *
 * UTF-8 with code-point order (builtin C.UTF-8) on every machine; passwords only, also on loopback:
 * other users of this machine can connect there.
 *
 * @returns the cluster's folder, `<directory>/data`
 * @throws {PlatformError} platform_part_missing when initdb fails
 */
export async function ensureCluster(options: ClusterOptions): Promise<string> {
  const { binaries, directory, password, user } = options;
  const data = join(directory, "data");
  if (existsSync(join(data, "PG_VERSION"))) return data;
  const [fresh, passwordFile] = [join(directory, "data.new"), join(directory, "password.new")];
  rmSync(fresh, { recursive: true, force: true });
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, password, { mode: 0o600, flag: "wx" });
  if (user !== undefined) chownSync(passwordFile, user.uid, user.gid);
  const args = [
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    `--username=${POSTGRES_USER}`,
    `--pwfile=${passwordFile}`,
    `--pgdata=${fresh}`,
  ];
  try {
    await runInitdb(join(binaries.bin, "initdb"), args, options);
    renameSync(fresh, data);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  return data;
}

async function runInitdb(file: string, args: readonly string[], options: ClusterOptions): Promise<void> {
  const { directory, user } = options;
  const child = spawn(file, args, {
    cwd: directory,
    env: { TZ: "UTC" },
    stdio: ["ignore", "pipe", "pipe"],
    ...user,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  if (code !== 0) {
    throw new PlatformError(
      "platform_part_missing",
      `initdb ended with ${code}: ${output.trim().split("\n").slice(-3).join(" | ")}`,
    );
  }
}

/**
 * Clears what a killed server left: ends one that still runs on this folder, and removes a lock file
 * whose process id now belongs to another program, which the server would take for itself.
 */
export async function clearStaleServer(data: string): Promise<void> {
  const file = join(data, "postmaster.pid");
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, "utf8").split("\n")[0]);
  const identity = Number.isInteger(pid) && pid > 0 ? identifyProcess(pid) : undefined;
  if (identity !== undefined && programOf(pid) === "postgres") await endProcess(identity, "SIGINT", 10_000);
  rmSync(file, { force: true });
}
