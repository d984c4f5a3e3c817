import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseEnv } from "node:util";
import { PlatformError } from "../schemas/platform-error.ts";
import type { ErrorLocation } from "../schemas/platform-error.ts";
import { SETTINGS_TABLE } from "./settings-table.ts";
import type { SettingName, SettingValues } from "./settings-table.ts";
import { readTemporalSettings } from "./temporal-settings.ts";
import type { TemporalSettings } from "./temporal-settings.ts";

/** Where objects are kept. `url` is the canonical text form that child processes are given. */
export type ObjectSettings =
  | { readonly kind: "file"; readonly directory: string; readonly url: string }
  | {
      readonly kind: "s3";
      readonly bucket: string;
      /** Without leading or trailing slash; empty for the whole bucket. */
      readonly prefix: string;
      readonly endpoint?: string;
      readonly region: string;
      readonly forcePathStyle: boolean;
      readonly url: string;
    };

/** Everything AURA is told from outside, checked once. Meanings, units and ranges: `SETTINGS_TABLE`. */
export interface Settings {
  /** Folder that relative paths in the settings start from; child processes are started in it. */
  readonly cwd: string;
  /** Absolute. */
  readonly stateDir: string;
  /** Set: a PostgreSQL of the user's own. Unset: the embedded one. */
  readonly databaseUrl?: string;
  readonly temporal: TemporalSettings;
  readonly objects: ObjectSettings;
  readonly api: { readonly host: string; readonly port?: number };
  /** API the command line talks to, when it is not the platform of `stateDir`. */
  readonly apiUrl?: string;
  readonly apiKey?: string;
  readonly bootstrapAdminKey?: string;
  readonly metricsPort?: number;
  /** The ingestor's own MQTT endpoint. */
  readonly mqtt: { readonly host: string; readonly port?: number | "off" };
  readonly feeds: {
    /** Absolute. */
    readonly folders: readonly string[];
    /** Absolute. */
    readonly secrets: string;
  };
  readonly workerQueues: readonly ("control" | "data" | "train")[];
  /** Trainings that a worker does at once. */
  readonly trainings: number;
  readonly inferenceChildren: number;
  readonly stagingMaxRows: number;
  readonly prometheusUrl?: string;
  /** `host:port`, lower-case. */
  readonly alertHosts: readonly string[];
  readonly breakGlass: {
    /** Roles, and owners of keys. */
    readonly by: readonly string[];
    readonly reviewWithinMs: number;
  };
  /** Cache of live features that API and scorers share. */
  readonly redisUrl?: string;
  readonly scorer: {
    readonly host: string;
    readonly port?: number;
    /** Series of assets kept in memory. */
    readonly maxSeries: number;
    /** An asset is scored at most this often. */
    readonly everyMs: number;
  };
  readonly allowLoopbackSources: boolean;
  readonly housekeeping: {
    readonly everyMs: number;
    readonly replyRetentionMs: number;
    readonly alertRetentionMs: number;
    readonly reportRetentionMs: number;
    /** Datasets past their retention are removed, and not only listed. */
    readonly removeDatasets: boolean;
  };
  /** Local copies of S3 objects. */
  readonly cacheMaxBytes: number;
  readonly traceAsideRetentionMs: number;
  readonly traceOnFull: "answer" | "refuse";
  readonly logLevel: "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";
  /**
   * The merged variables themselves, handed on to child processes so that they read the same settings.
   * Nothing else looks into it.
   */
  readonly environment: Readonly<Record<string, string>>;
}

/** Variables as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads and checks all settings: the variables given, over those of `.env` in `cwd`.
 *
 * An empty variable counts as unset, as in a compose file's `${X:-}`.
 *
 * @param env  variables of the process; the mains pass `process.env`
 * @param cwd  absolute folder that holds `.env` and, by default, the state folder
 * @throws {PlatformError} config_invalid, one location per wrong variable; secrets are not repeated
 */
export function readSettings(env: Environment, cwd: string): Settings {
  const environment = mergeEnvironment(env, cwd);
  const values = checkValues(environment);
  const stateDir = resolve(cwd, values.AURA_STATE_DIR ?? ".aura");
  return {
    cwd,
    stateDir,
    ...optional("databaseUrl", values.DATABASE_URL),
    temporal: readTemporalSettings(environment, cwd),
    objects: readObjectSettings(values, stateDir),
    api: { host: values.AURA_API_HOST, ...optional("port", values.AURA_API_PORT) },
    ...optional("apiUrl", values.AURA_API_URL),
    ...optional("apiKey", values.AURA_API_KEY),
    ...optional("bootstrapAdminKey", values.AURA_BOOTSTRAP_ADMIN_KEY),
    ...optional("metricsPort", values.AURA_METRICS_PORT),
    mqtt: { host: values.AURA_MQTT_HOST, ...optional("port", values.AURA_MQTT_PORT) },
    feeds: {
      folders: (values.AURA_FEED_FOLDERS ?? ["."]).map((folder) => resolve(cwd, folder)),
      secrets: resolve(cwd, values.AURA_FEED_SECRETS ?? join(stateDir, "secrets")),
    },
    workerQueues: values.AURA_WORKER_QUEUES,
    trainings: values.AURA_TRAININGS,
    inferenceChildren: values.AURA_INFERENCE_CHILDREN,
    stagingMaxRows: values.AURA_STAGING_MAX_ROWS,
    ...optional("prometheusUrl", values.AURA_PROMETHEUS_URL),
    alertHosts: values.AURA_ALERT_HOSTS ?? [],
    breakGlass: { by: values.AURA_BREAK_GLASS, reviewWithinMs: values.AURA_REVIEW_WITHIN },
    ...optional("redisUrl", values.REDIS_URL),
    scorer: {
      host: values.AURA_SCORER_HOST,
      ...optional("port", values.AURA_SCORER_PORT),
      maxSeries: values.AURA_SCORER_SERIES,
      everyMs: values.AURA_SCORE_EVERY,
    },
    allowLoopbackSources: values.AURA_ALLOW_LOOPBACK_SOURCES,
    housekeeping: {
      everyMs: values.AURA_HOUSEKEEPING_EVERY,
      replyRetentionMs: values.AURA_REPLY_RETENTION,
      alertRetentionMs: values.AURA_ALERT_RETENTION,
      reportRetentionMs: values.AURA_REPORT_RETENTION,
      removeDatasets: values.AURA_DATASET_RETENTION === "remove",
    },
    cacheMaxBytes: values.AURA_CACHE_MAX_BYTES,
    traceAsideRetentionMs: values.AURA_TRACE_ASIDE_RETENTION,
    traceOnFull: values.AURA_TRACE_ON_FULL,
    logLevel: values.AURA_LOG_LEVEL,
    environment,
  };
}

function mergeEnvironment(env: Environment, cwd: string): Record<string, string> {
  const file = join(cwd, ".env");
  const fromFile: Environment = existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {};
  const merged: Record<string, string> = {};
  for (const [name, value] of [...Object.entries(fromFile), ...Object.entries(env)]) {
    if (value !== undefined && value !== "") merged[name] = value;
  }
  return merged;
}

function checkValues(environment: Readonly<Record<string, string>>): SettingValues {
  const values: Record<string, unknown> = {};
  const locations: ErrorLocation[] = [];
  for (const name of Object.keys(SETTINGS_TABLE) as SettingName[]) {
    const row = SETTINGS_TABLE[name];
    const given = environment[name] ?? row.default ?? undefined;
    const parsed = row.schema.safeParse(given);
    if (parsed.success) values[name] = parsed.data;
    else {
      const found = row.isSecret === true ? "(not shown)" : given;
      locations.push({ field: name, expected: row.range, ...optional("found", found) });
    }
  }
  if (locations.length > 0) {
    const names = locations.map(
      ({ field, expected, found }) => `${field}: expected ${expected}, found ${found}`,
    );
    throw new PlatformError("config_invalid", `read settings [${names.join("; ")}]`, { locations });
  }
  return values as SettingValues;
}

function readObjectSettings(values: SettingValues, stateDir: string): ObjectSettings {
  if (values.AURA_OBJECTS === undefined) return fileObjects(join(stateDir, "objects"));
  const url = new URL(values.AURA_OBJECTS);
  if (url.protocol === "file:") return fileObjects(fileURLToPath(url));
  const endpoint = values.AWS_ENDPOINT_URL_S3 ?? values.AWS_ENDPOINT_URL;
  const prefix = decodeURIComponent(url.pathname).replaceAll(/^\/+|\/+$/g, "");
  return {
    kind: "s3",
    bucket: url.host,
    prefix,
    ...optional("endpoint", endpoint),
    region: values.AWS_REGION,
    forcePathStyle: values.AWS_S3_FORCE_PATH_STYLE ?? endpoint !== undefined,
    url: prefix === "" ? `s3://${url.host}` : `s3://${url.host}/${prefix}`,
  };
}

function fileObjects(directory: string): ObjectSettings {
  return { kind: "file", directory, url: pathToFileURL(directory).href };
}

/** `{ [name]: value }`, or nothing when the value is undefined (exactOptionalPropertyTypes). */
function optional<K extends string, T>(name: K, value: T | undefined): { readonly [P in K]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [P in K]: T });
}
