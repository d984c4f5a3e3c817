import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { PlatformError } from "../schemas/platform-error.ts";
import { processIdentitySchema } from "./process/identity.ts";

/**
 * The state folder, `.aura/`:
 *
 *   aura-state.json     marker: only a folder with it is ever deleted
 *   lock                who supervises (process/lock.ts)
 *   platform.json       ports, running children, state; written by the supervisor alone
 *   postgres-password   of the embedded PostgreSQL, readable by the owner only
 *   postgres/  temporal/  objects/  logs/
 */
export interface StatePaths {
  readonly root: string;
  readonly marker: string;
  readonly lock: string;
  readonly record: string;
  readonly postgresPassword: string;
  readonly temporal: string;
  readonly logs: string;
}

export function statePaths(stateDir: string): StatePaths {
  return {
    root: stateDir,
    marker: join(stateDir, "aura-state.json"),
    lock: join(stateDir, "lock"),
    record: join(stateDir, "platform.json"),
    postgresPassword: join(stateDir, "postgres-password"),
    temporal: join(stateDir, "temporal"),
    logs: join(stateDir, "logs"),
  };
}

/** Port of each thing that listens; `…Metrics` are Prometheus endpoints. */
export const PORT_NAMES = [
  "postgres",
  "temporal",
  "temporalUi",
  "api",
  "workerMetrics",
  "mqtt",
  "ingestorMetrics",
  "scorer",
] as const;
export type PortName = (typeof PORT_NAMES)[number];

export const PART_STATES = ["starting", "ready", "unhealthy", "waiting", "stopping", "stopped"] as const;
export type PartState = (typeof PART_STATES)[number];

const childRecordSchema = z.object({
  process: processIdentitySchema.optional(),
  state: z.enum(PART_STATES),
  restarts: z.int().min(0),
});

/** What a later command or start must know of this one. */
export const platformRecordSchema = z.object({
  format: z.literal(1),
  /** Who wrote this; of another holder of the lock it says nothing yet. */
  supervisor: processIdentitySchema.optional(),
  state: z.enum(["starting", "ready", "stopping", "stopped"]),
  ports: z.partialRecord(z.enum(PORT_NAMES), z.int().min(1).max(65_535)),
  /** Set when it is outside the state folder, because the database's user cannot reach that (postgres-data.ts). */
  postgresDirectory: z.string().optional(),
  children: z.record(z.string(), childRecordSchema),
  urls: z
    .object({
      api: z.string(),
      mqtt: z.string(),
      temporalUi: z.string().optional(),
      temporalAddress: z.string(),
    })
    .partial(),
});
export type PlatformRecord = z.infer<typeof platformRecordSchema>;

export const EMPTY_RECORD: PlatformRecord = {
  format: 1,
  state: "stopped",
  ports: {},
  children: {},
  urls: {},
};

/**
 * Makes the folder, for its owner alone, and puts the marker in.
 *
 * @throws {PlatformError} config_invalid: it cannot be written, or it holds other things than AURA's
 */
export function ensureStateDir(stateDir: string): StatePaths {
  const paths = statePaths(stateDir);
  try {
    mkdirSync(dirname(stateDir), { recursive: true });
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    if (!existsSync(paths.marker)) {
      const others = foreignFiles(stateDir);
      if (others.length > 0) {
        throw new PlatformError(
          "config_invalid",
          `use the state folder [${stateDir}]: it holds other files (${others.slice(0, 3).join(", ")})`,
          { locations: [{ field: "AURA_STATE_DIR", expected: "a new or empty folder" }] },
        );
      }
      writeFileSync(paths.marker, `${JSON.stringify({ product: "aura", format: 1 })}\n`, { mode: 0o600 });
    }
    // As root the database runs as another user, who must pass through but not list the folder.
    chmodSync(stateDir, process.getuid?.() === 0 ? 0o711 : 0o700);
    mkdirSync(paths.logs, { recursive: true, mode: 0o700 });
  } catch (cause) {
    if (cause instanceof PlatformError) throw cause;
    throw new PlatformError("config_invalid", `write the state folder [${stateDir}]`, {
      cause,
      locations: [{ field: "AURA_STATE_DIR", expected: "a writable folder" }],
    });
  }
  return paths;
}

/** Files in a folder that AURA did not make: then it is no state folder. Empty where there is no folder. */
export function foreignFiles(stateDir: string): readonly string[] {
  // A folder called .aura is AURA's own: a worker or API started by hand may have used it first.
  if (basename(stateDir) === ".aura" || existsSync(statePaths(stateDir).marker)) return [];
  return existsSync(stateDir) ? readdirSync(stateDir) : [];
}

/** The record of the last or present start; an unreadable one counts as none (it only remembers). */
export function readRecord(paths: StatePaths): PlatformRecord {
  try {
    return platformRecordSchema.parse(JSON.parse(readFileSync(paths.record, "utf8")));
  } catch {
    return EMPTY_RECORD;
  }
}

/** Writes the record so that a reader sees the old or the new one, never a part. */
export function writeRecord(paths: StatePaths, record: PlatformRecord): void {
  const next = `${paths.record}.next`;
  writeFileSync(next, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(next, paths.record);
}
