import type { Settings } from "../../config/settings.ts";
import type { PortName, StatePaths } from "../state-dir.ts";

/** A program to run, as `spawn` takes it. */
export interface PartCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Another user to run as; only root can. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** What the supervisor must know to keep one process running. */
export interface PartPlan {
  readonly name: string;
  /** Once, before the first spawn: finds binaries, makes data folders. May take minutes the first time. */
  prepare(): Promise<PartCommand>;
  /** Before each spawn: clears what a killed predecessor left. */
  beforeSpawn?(): Promise<void>;
  /** Resolves when the part answers, rejects when it does not (yet). Bounded by `signal`. */
  probe(signal: AbortSignal, spawnedAt: Date): Promise<void>;
  /** After each start, once it answers: what must exist before others may use it. */
  afterReady?(): Promise<void>;
  /** After the last stop: closes what the probes kept open. */
  dispose?(): Promise<void>;
  readonly stopSignal: NodeJS.Signals;
  /** Milliseconds between `stopSignal` and SIGKILL. */
  readonly stopGraceMs: number;
  /** How much it yields to the other processes, 0…19. Default 0. */
  readonly niceness?: number;
}

/** What all parts share. Ports are chosen and the state folder exists. */
export interface PartContext {
  readonly settings: Settings;
  readonly paths: StatePaths;
  readonly ports: Readonly<Record<PortName, number>>;
  /** URL of the database in use, embedded or the user's own. Holds a password. */
  readonly databaseUrl: string;
  /** `host:port` of the Temporal server in use. */
  readonly temporalAddress: string;
  readonly apiUrl: string;
  /** Folder of the embedded database's files; the state folder where there is none. */
  readonly postgresDirectory: string;
  readonly onProgress: (part: string, message: string) => void;
  readonly onWarning: (part: string, message: string) => void;
  /** Aborted when the platform is stopped, also while a part is still being prepared. */
  readonly signal: AbortSignal;
}

/** One row of the table of parts (table.ts). */
export interface PartDefinition {
  readonly name: string;
  /** Parts, embedded or not, that must be ready first. */
  readonly needs: readonly string[];
  /** What it listens on where AURA runs it. */
  readonly ports: readonly PortName[];
  /** Whether AURA runs it; if not, `probeExternal` looks at what stands in for it. */
  isEmbedded(settings: Settings): boolean;
  plan(context: PartContext): PartPlan;
  /**
   * Checks the user's own part before others are started on it.
   *
   * @returns a warning for people, if there is one
   */
  probeExternal(context: PartContext): Promise<string | undefined>;
}
