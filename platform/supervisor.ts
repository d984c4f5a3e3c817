import { rmSync } from "node:fs";
import type { Settings } from "../config/settings.ts";
import { PlatformError } from "../schemas/platform-error.ts";
import { endOrphans } from "./orphans.ts";
import { prepareObjects } from "./parts/objects.ts";
import type { PartContext, PartDefinition } from "./parts/part.ts";
import { embeddedDatabaseUrl } from "./parts/postgres.ts";
import { choosePostgresDirectory, postgresPassword } from "./parts/postgres-data.ts";
import { PARTS } from "./parts/table.ts";
import { acquireLock } from "./process/lock.ts";
import type { Lock } from "./process/lock.ts";
import { choosePorts, isPortFree } from "./process/ports.ts";
import type { ChosenPorts } from "./process/ports.ts";
import { ensureStateDir, PORT_NAMES, readRecord, writeRecord } from "./state-dir.ts";
import type { PlatformRecord, PortName, StatePaths } from "./state-dir.ts";
import { SupervisedPart } from "./supervised-part.ts";
import type { PartStatus } from "./supervised-part.ts";

/** Something worth telling a person. `part` is a part's name, `objects` or `platform`. */
export interface PlatformEvent {
  readonly part: string;
  readonly kind: "state" | "progress" | "warning";
  readonly message: string;
}

export interface StartOptions {
  readonly onEvent?: (event: PlatformEvent) => void;
  /** Names of the parts to run; all by default. */
  readonly parts?: readonly string[];
  /** Take any free ports instead of trying the well-known ones first (tests). */
  readonly anyPorts?: boolean;
  /** Gives the start up when aborted, e.g. by Ctrl-C during a build; afterwards use `stop`. */
  readonly signal?: AbortSignal;
}

export interface PlatformUrls {
  readonly api: string;
  /** Unset when it is off, or no ingestor runs. */
  readonly mqtt?: string;
  /** Unset when the Temporal server is the user's own. */
  readonly temporalUi?: string;
  readonly temporalAddress: string;
  /** Holds a password. */
  readonly databaseUrl: string;
}

export interface RunningPlatform {
  readonly urls: PlatformUrls;
  /** Stops every part in order and gives the lock back. Safe to call more than once. */
  stop(): Promise<void>;
  parts(): readonly PartStatus[];
}

const PREFERRED_PORTS: Readonly<Partial<Record<PortName, number>>> = {
  api: 8080,
  mqtt: 1883,
  temporal: 7233,
  temporalUi: 8233,
};

/**
 * Starts what the settings leave to AURA, checks what they do not, and keeps it running until `stop`.
 *
 * Parts start side by side as soon as what they need is ready. What a killed supervisor left is ended
 * first; ports and data are those of the last start.
 *
 * @throws {PlatformError} platform_locked: another instance uses the state folder; platform_part_missing,
 *   database_unavailable, temporal_unavailable, objects_unavailable, config_invalid: a part; all that
 *   was started is stopped again
 */
export async function startPlatform(
  settings: Settings,
  options: StartOptions = {},
): Promise<RunningPlatform> {
  const unknown = options.parts?.find((name) => !PARTS.some((part) => part.name === name));
  if (unknown !== undefined) {
    const known = PARTS.map(({ name }) => name).join(", ");
    throw new PlatformError("config_invalid", `start part [${unknown}]: expected some of ${known}`);
  }
  const paths = ensureStateDir(settings.stateDir);
  const avoid = new Set<number>();
  for (let start = 1; ; start++) {
    try {
      return await startOnce(settings, paths, { ...options, avoid });
    } catch (error) {
      // Between the choice of a port and the child's listening on it another program may have taken it.
      const taken = isFinal(error) ? [] : await takenPorts(error, readRecord(paths));
      if (taken.length === 0 || start === MOST_STARTS || options.signal?.aborted === true) throw error;
      for (const port of taken) avoid.add(port);
      warn(options, `port ${taken.join(", ")} was taken meanwhile: starting again with another`);
    }
  }
}

/** With other ports each time, where a port was taken. */
const MOST_STARTS = 3;

/** Other ports would not help. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof PlatformError && (error.code === "platform_locked" || error.code === "config_invalid")
  );
}

/**
 * Ports of a failed start that others have: those that are taken now, else those of the part that found one taken. Whoever
 * took it may be gone by now: a connection lasts no longer than a request.
 */
async function takenPorts(error: unknown, { ports }: PlatformRecord): Promise<readonly number[]> {
  const taken: number[] = [];
  for (const port of Object.values(ports)) if (!(await isPortFree(port))) taken.push(port);
  const { part, isPortTaken } = error instanceof PlatformError ? error.details : {};
  if (taken.length > 0 || isPortTaken !== true) return taken;
  const names = PARTS.find(({ name }) => name === part)?.ports ?? [];
  return names.flatMap((name) => ports[name] ?? []);
}

/** `avoid`: ports that others took before. */
type OneStart = StartOptions & { readonly avoid: ReadonlySet<number> };

async function startOnce(settings: Settings, paths: StatePaths, options: OneStart): Promise<RunningPlatform> {
  const stateLock = acquireLock(paths.lock);
  let chosen: ChosenPorts<PortName> | undefined;
  const lock: Lock = {
    holder: stateLock.holder,
    release() {
      chosen?.release();
      stateLock.release();
    },
  };
  try {
    const previous = readRecord(paths);
    const ended = await endOrphans(previous);
    if (ended.length > 0) warn(options, `ended what a killed start left: ${ended.join(", ")}`);
    chosen = await portsFor(settings, previous, options);
    const platform = new Platform({ settings, paths, lock, ports: chosen.ports, previous, options });
    await platform.start();
    return platform;
  } catch (error) {
    lock.release();
    throw error;
  }
}

function warn(options: StartOptions, message: string): void {
  options.onEvent?.({ part: "platform", kind: "warning", message });
}

async function portsFor(
  settings: Settings,
  previous: PlatformRecord,
  options: OneStart,
): Promise<ChosenPorts<PortName>> {
  const asked = {
    ...(settings.api.port === undefined ? {} : { api: settings.api.port }),
    ...(typeof settings.mqtt.port === "number" ? { mqtt: settings.mqtt.port } : {}),
  };
  if (asked.api !== undefined) await requireFree("AURA_API_PORT", asked.api);
  if (asked.mqtt !== undefined) await requireFree("AURA_MQTT_PORT", asked.mqtt);
  const remembered = { ...previous.ports, ...asked };
  // A port that was asked for is taken again when it is free again.
  const avoid = new Set([...options.avoid].filter((one) => one !== asked.api && one !== asked.mqtt));
  const preferred = options.anyPorts === true ? {} : PREFERRED_PORTS;
  return choosePorts(PORT_NAMES, { remembered, preferred, avoid });
}

/** @throws {PlatformError} config_invalid: another program has it */
async function requireFree(field: string, port: number): Promise<void> {
  if (await isPortFree(port)) return;
  throw new PlatformError("config_invalid", `listen on port [${field} ${port}]: another program has it`, {
    locations: [{ field, expected: "a free port", found: String(port) }],
  });
}

interface PlatformParts {
  readonly settings: Settings;
  readonly paths: StatePaths;
  readonly lock: Lock;
  readonly ports: Readonly<Record<PortName, number>>;
  readonly previous: PlatformRecord;
  readonly options: StartOptions;
}

class Platform implements RunningPlatform {
  readonly urls: PlatformUrls;
  readonly #init: PlatformParts;
  readonly #definitions: readonly PartDefinition[];
  readonly #context: PartContext;
  readonly #supervised = new Map<string, SupervisedPart>();
  readonly #ready = new Map<string, Promise<void>>();
  readonly #abort = new AbortController();
  readonly #onProcessExit = () => this.#signalAll();
  #state: PlatformRecord["state"] = "starting";
  #stopped: Promise<void> | undefined;

  constructor(init: PlatformParts) {
    this.#init = init;
    const { settings, options } = init;
    this.#definitions = PARTS.filter(({ name }) => options.parts?.includes(name) ?? true);
    this.#context = this.#makeContext();
    const { databaseUrl, temporalAddress, apiUrl } = this.#context;
    this.urls = {
      api: apiUrl,
      temporalAddress,
      databaseUrl,
      ...(this.#definitions.some(({ name }) => name === "ingestor") && settings.mqtt.port !== "off"
        ? { mqtt: `mqtt://127.0.0.1:${init.ports.mqtt}` }
        : {}),
      ...(settings.temporal.address === undefined
        ? { temporalUi: `http://127.0.0.1:${init.ports.temporalUi}` }
        : {}),
    };
  }

  async start(): Promise<void> {
    // A supervisor that ends without stop() (an uncaught error) takes its children along.
    process.on("exit", this.#onProcessExit);
    this.#record();
    const { objects, environment } = this.#init.settings;
    this.#ready.set("objects", prepareObjects(objects, environment));
    for (const definition of this.#definitions) this.#ready.set(definition.name, this.#startPart(definition));
    const giveUp = () => void this.stop();
    this.#init.options.signal?.addEventListener("abort", giveUp, { once: true });
    try {
      await Promise.all(this.#ready.values());
      this.#abort.signal.throwIfAborted();
    } catch (error) {
      await this.stop();
      throw error;
    } finally {
      this.#init.options.signal?.removeEventListener("abort", giveUp);
    }
    this.#state = "ready";
    this.#record();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  parts(): readonly PartStatus[] {
    return [...this.#supervised.values()].map((part) => part.status);
  }

  async #startPart(definition: PartDefinition): Promise<void> {
    const { settings, paths } = this.#init;
    await Promise.all(definition.needs.map(async (name) => this.#ready.get(name)));
    this.#abort.signal.throwIfAborted();
    if (!definition.isEmbedded(settings)) {
      const warning = await definition.probeExternal(this.#context);
      if (warning !== undefined) this.#context.onWarning(definition.name, warning);
      return;
    }
    const part = new SupervisedPart({
      plan: definition.plan(this.#context),
      logs: paths.logs,
      onChange: (message) => {
        this.#record();
        this.#tell({ part: definition.name, kind: "state", message });
      },
    });
    this.#supervised.set(definition.name, part);
    await part.start();
  }

  async #stopAll(): Promise<void> {
    this.#state = "stopping";
    this.#abort.abort(new PlatformError("cancelled", "the platform is being stopped"));
    this.#record();
    for (const { name } of this.#definitions.toReversed()) await this.#supervised.get(name)?.stop();
    await Promise.allSettled(this.#ready.values());
    this.#state = "stopped";
    this.#record();
    process.off("exit", this.#onProcessExit);
    this.#init.lock.release();
  }

  #signalAll(): void {
    for (const part of this.#supervised.values()) part.signalNow();
    rmSync(this.#init.paths.lock, { force: true });
  }

  #tell(event: PlatformEvent): void {
    this.#init.options.onEvent?.(event);
  }

  /** Written at every change, at once: the next start finds the children by it, whatever happens here. */
  #record(): void {
    const { paths, ports, lock } = this.#init;
    const { api, mqtt, temporalUi, temporalAddress } = this.urls;
    const { postgresDirectory } = this.#context;
    const children = Object.fromEntries(this.parts().map(({ name, ...status }) => [name, status]));
    writeRecord(paths, {
      format: 1,
      supervisor: lock.holder,
      state: this.#state,
      ports: { ...ports },
      ...(postgresDirectory.startsWith(paths.root) ? {} : { postgresDirectory }),
      children,
      urls: {
        ...(this.#supervised.has("api") ? { api } : {}),
        ...(this.#supervised.has("ingestor") && mqtt !== undefined ? { mqtt } : {}),
        temporalAddress,
        ...(temporalUi === undefined ? {} : { temporalUi }),
      },
    });
  }

  #makeContext(): PartContext {
    const { settings, paths, ports, previous } = this.#init;
    const hasPostgres = this.#definitions.some(
      (part) => part.name === "postgres" && part.isEmbedded(settings),
    );
    const host =
      settings.api.host === "0.0.0.0" || settings.api.host === "::" ? "127.0.0.1" : settings.api.host;
    return {
      settings,
      paths,
      ports,
      databaseUrl: settings.databaseUrl ?? embeddedDatabaseUrl(postgresPassword(paths), ports.postgres),
      temporalAddress: settings.temporal.address ?? `127.0.0.1:${ports.temporal}`,
      apiUrl: `http://${host.includes(":") ? `[${host}]` : host}:${ports.api}`,
      postgresDirectory: hasPostgres
        ? choosePostgresDirectory(paths, previous.postgresDirectory)
        : paths.root,
      onProgress: (part, message) => this.#tell({ part, kind: "progress", message }),
      onWarning: (part, message) => this.#tell({ part, kind: "warning", message }),
      signal: this.#abort.signal,
    };
  }
}
