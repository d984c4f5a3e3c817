import { availableParallelism } from "node:os";
import { z } from "zod";
import { durationMs, durationSchema } from "../schemas/pipeline/time.ts";

/**
 * Every setting of AURA, one row each: the schema that checks it and the words that explain it.
 *
 * The rows are read by `readSettings` and printed as docs/settings.md, so that neither can drift from
 * the other. Temporal's own variables (`TEMPORAL_*`) and the usual AWS credentials are read by their
 * own libraries; the rows here name those that AURA looks at itself.
 */

/** One setting as people and the reader see it. */
export interface SettingRow<T> {
  /** Reads the text of the variable; `undefined` reaches it only when there is no default. */
  readonly schema: z.ZodType<T>;
  readonly meaning: string;
  /** `none` for text and switches. */
  readonly unit: string;
  /** Text used when the variable is unset; null where unset has its own meaning, told by `whenUnset`. */
  readonly default: string | null;
  readonly whenUnset?: string;
  readonly range: string;
  readonly example: string;
  /** Never printed, logged or put into an error. */
  readonly isSecret?: boolean;
}

const row = <T>(spec: SettingRow<T>): SettingRow<T> => spec;

const text = z.string().trim().min(1);
const port = z.coerce.number().int().min(1).max(65_535);
const count = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
const flag = z.enum(["true", "false", "1", "0"]).transform((value) => value === "true" || value === "1");

/** Milliseconds of a duration such as 90m or 7d, of at least `least`. */
const duration = (least: string) =>
  durationSchema.transform(durationMs).refine((ms) => ms >= durationMs(least) && ms <= durationMs("5200w"), {
    message: `expected a duration from ${least} to 5200w`,
  });

/** A URL of one of the given schemes, e.g. `["postgres:", "postgresql:"]`. */
const urlOf = (...protocols: readonly string[]) =>
  text.refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    message: `expected a URL starting with ${protocols.map((p) => `${p}//`).join(" or ")}`,
  });

const QUEUE_NAMES = ["control", "data", "train"] as const;
const queues = text.transform((value, context) => {
  if (value === "all") return [...QUEUE_NAMES];
  const names = value.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !QUEUE_NAMES.some((known) => known === name));
  if (unknown !== undefined) {
    context.addIssue({ code: "custom", message: `expected all, or some of ${QUEUE_NAMES.join(",")}` });
    return z.NEVER;
  }
  return QUEUE_NAMES.filter((name) => names.includes(name));
});

/** Half of a small machine serves, the rest trains: one child for two cores, four at most. */
const inferenceChildren = text.transform((value, context) => {
  if (value === "auto") return Math.min(4, Math.max(1, availableParallelism() - 1));
  const parsed = count(1, 64).safeParse(value);
  if (parsed.success) return parsed.data;
  context.addIssue({ code: "custom", message: "expected auto or a whole number from 1 to 64" });
  return z.NEVER;
});

export const SETTINGS_TABLE = {
  AURA_STATE_DIR: row({
    schema: text.optional(),
    meaning: "Folder of the embedded platform: data of PostgreSQL and Temporal, objects, logs, the lock.",
    unit: "path",
    default: null,
    whenUnset: "`.aura` in the working directory",
    range: "a new folder, or one of AURA's own",
    example: "/var/lib/aura",
  }),
  DATABASE_URL: row({
    schema: urlOf("postgres:", "postgresql:").optional(),
    meaning: "A PostgreSQL of your own; the embedded one is then not started.",
    unit: "URL",
    default: null,
    whenUnset: "the embedded PostgreSQL",
    range: "postgres:// or postgresql://",
    example: "postgresql://aura:secret@db.example.com:5432/aura?sslmode=verify-full",
    isSecret: true,
  }),
  TEMPORAL_ADDRESS: row({
    schema: text.optional(),
    meaning:
      "A Temporal server of your own; the dev server is then not started. Namespace, TLS, API key and profile come from Temporal's own variables and file.",
    unit: "host:port",
    default: null,
    whenUnset: "the address of Temporal's profile, else the embedded dev server",
    range: "any; a server that is not on loopback must be 1.29.6, 1.30.4 or newer",
    example: "temporal.example.com:7233",
  }),
  TEMPORAL_NAMESPACE: row({
    schema: text.optional(),
    meaning: "Temporal namespace of all workflows.",
    unit: "none",
    default: null,
    whenUnset: "the namespace of Temporal's profile, else `default`",
    range: "an existing namespace",
    example: "aura-production",
  }),
  AURA_TEMPORAL_CLI: row({
    schema: text.optional(),
    meaning: "Path of a `temporal` binary for the dev server, ahead of the search on PATH and in the cache.",
    unit: "path",
    default: null,
    whenUnset: "PATH, cache, download, build: in this order",
    range: "an executable file",
    example: "/usr/local/bin/temporal",
  }),
  AURA_OBJECTS: row({
    schema: urlOf("s3:", "file:").optional(),
    meaning: "Object store: raw files, Parquet, models, logs, reports.",
    unit: "URL",
    default: null,
    whenUnset: "`objects` in the state folder",
    range: "s3://bucket/prefix or file:///absolute/path",
    example: "s3://plant-a/aura",
  }),
  AWS_ENDPOINT_URL: row({
    schema: urlOf("http:", "https:").optional(),
    meaning: "Endpoint of an S3 server that is not AWS; AWS_ENDPOINT_URL_S3 goes before it.",
    unit: "URL",
    default: null,
    whenUnset: "AWS",
    range: "http:// or https://",
    example: "http://127.0.0.1:7070",
  }),
  AWS_ENDPOINT_URL_S3: row({
    schema: urlOf("http:", "https:").optional(),
    meaning: "Endpoint of the S3 service alone.",
    unit: "URL",
    default: null,
    whenUnset: "AWS_ENDPOINT_URL",
    range: "http:// or https://",
    example: "http://127.0.0.1:7070",
  }),
  AWS_REGION: row({
    schema: text,
    meaning: "Region of the bucket.",
    unit: "none",
    default: "us-east-1",
    range: "a region name",
    example: "eu-central-2",
  }),
  AWS_S3_FORCE_PATH_STYLE: row({
    schema: flag.optional(),
    meaning: "Whether the bucket is part of the path instead of the host name.",
    unit: "none",
    default: null,
    whenUnset: "true when an endpoint is set, else false",
    range: "true or false",
    example: "true",
  }),
  AURA_API_HOST: row({
    schema: text,
    meaning: "Address the API listens on. Anything but loopback needs keys.",
    unit: "host",
    default: "127.0.0.1",
    range: "an address of this machine",
    example: "0.0.0.0",
  }),
  AURA_API_PORT: row({
    schema: port.optional(),
    meaning: "Port of the API.",
    unit: "port",
    default: null,
    whenUnset: "8080 if it is free, else any free port, remembered in the state folder",
    range: "1 to 65535",
    example: "8080",
  }),
  AURA_API_URL: row({
    schema: urlOf("http:", "https:").optional(),
    meaning: "API that the command line talks to.",
    unit: "URL",
    default: null,
    whenUnset: "the API of the platform that runs in the state folder",
    range: "http:// or https://",
    example: "https://aura.example.com",
  }),
  AURA_API_KEY: row({
    schema: text.optional(),
    meaning: "Key that the command line sends.",
    unit: "none",
    default: null,
    whenUnset: "no key",
    range: "a key made by `aura keys create`",
    example: "aura_…",
    isSecret: true,
  }),
  AURA_BOOTSTRAP_ADMIN_KEY: row({
    schema: z.string().min(32).optional(),
    meaning: "Admin key that exists from the first start on, to create the others with.",
    unit: "none",
    default: null,
    whenUnset: "no key: the API answers on loopback only",
    range: "at least 32 characters",
    example: "(32 random characters)",
    isSecret: true,
  }),
  AURA_METRICS_PORT: row({
    schema: port.optional(),
    meaning: "Port on loopback for the Prometheus metrics of a worker or the ingestor.",
    unit: "port",
    default: null,
    whenUnset: "chosen by `aura up`; none for a process started by hand",
    range: "1 to 65535",
    example: "9477",
  }),
  AURA_MQTT_HOST: row({
    schema: text,
    meaning:
      "Address the ingestor's MQTT endpoint listens on. Without keys it takes clients of this machine alone.",
    unit: "host",
    default: "127.0.0.1",
    range: "an address of this machine",
    example: "0.0.0.0",
  }),
  AURA_MQTT_PORT: row({
    schema: z.union([z.literal("off"), port]).optional(),
    meaning: "Port of the ingestor's MQTT endpoint; `off`: there is none.",
    unit: "port",
    default: null,
    whenUnset: "1883 if it is free, else any free port, remembered in the state folder",
    range: "1 to 65535, or off",
    example: "1883",
  }),
  AURA_FEED_FOLDERS: row({
    schema: text.transform((value) => value.split(":").filter((folder) => folder !== "")).optional(),
    meaning: "Folders below which feeds may watch for files.",
    unit: "path list",
    default: null,
    whenUnset: "the working directory",
    range: "paths, separated by colons",
    example: "/srv/plant-a:/srv/plant-b",
  }),
  AURA_FEED_SECRETS: row({
    schema: text.optional(),
    meaning: "Folder with a file for each secret that a feed refers to as `${file:name}`.",
    unit: "path",
    default: null,
    whenUnset: "`secrets` in the state folder",
    range: "a folder",
    example: "/run/secrets",
  }),
  AURA_WORKER_QUEUES: row({
    schema: queues,
    meaning: "Task queues that this worker serves.",
    unit: "none",
    default: "all",
    range: "all, or a list of control, data, train",
    example: "control,data",
  }),
  AURA_TRAININGS: row({
    schema: count(1, 64),
    meaning:
      "Trainings that one worker does at once; each takes a core, and one that is alone takes all. More workers do more.",
    unit: "trainings",
    default: "2",
    range: "1 to 64",
    example: "8",
  }),
  AURA_INFERENCE_CHILDREN: row({
    schema: inferenceChildren,
    meaning: "Child processes that load and run models for the API.",
    unit: "processes",
    default: "auto",
    range: "auto (cores less one, 1 to 4), or 1 to 64",
    example: "2",
  }),
  REDIS_URL: row({
    schema: urlOf("redis:", "rediss:").optional(),
    meaning:
      "Redis that API and scorers share: the newest live features of each asset, for the time in which no scorer answers.",
    unit: "URL",
    default: null,
    whenUnset: "the API remembers its own answers",
    range: "redis:// or rediss:// URL",
    example: "redis://localhost:6379",
    isSecret: true,
  }),
  AURA_SCORER_HOST: row({
    schema: text,
    meaning:
      "Address a scorer listens on for the API. Beyond loopback its metrics can be read by whoever reaches it.",
    unit: "host",
    default: "127.0.0.1",
    range: "an address of this machine",
    example: "0.0.0.0",
  }),
  AURA_SCORER_PORT: row({
    schema: port.optional(),
    meaning: "Port of a scorer.",
    unit: "port",
    default: null,
    whenUnset: "chosen by `aura up`; any free port for a scorer started by hand",
    range: "1 to 65535",
    example: "9478",
  }),
  AURA_SCORER_SERIES: row({
    schema: count(1, 10_000_000),
    meaning:
      "Assets, once for each model, whose features a scorer keeps in memory; those used longest ago go first and are rebuilt when needed.",
    unit: "series",
    default: "20000",
    range: "1 to 10000000",
    example: "100000",
  }),
  AURA_SCORE_EVERY: row({
    schema: duration("10ms"),
    meaning: "An asset with new readings is scored by the champion at most this often.",
    unit: "duration",
    default: "1s",
    range: "10ms to 5200w",
    example: "1m",
  }),
  AURA_PROMETHEUS_URL: row({
    schema: urlOf("http:", "https:").optional(),
    meaning: "Prometheus that alert rules of kind `zscore` may ask.",
    unit: "URL",
    default: null,
    whenUnset: "such rules find nothing",
    range: "http:// or https://, without /api/v1",
    example: "http://prometheus:9090",
  }),
  AURA_ALERT_HOSTS: row({
    schema: text.transform((value) => value.split(",").map((host) => host.trim().toLowerCase())).optional(),
    meaning:
      "Hosts that channels of alerts may reach although their addresses are private, such as an Alertmanager or a mail server in the same network.",
    unit: "none",
    default: null,
    whenUnset: "public addresses alone",
    range: "host:port, separated by commas",
    example: "alertmanager:9093,mail.internal:587",
  }),
  AURA_BREAK_GLASS: row({
    schema: text.transform((value) => value.split(",").map((name) => name.trim())),
    meaning:
      "Who may roll back at once and without an approval (`aura rollback --break-glass`), to be reviewed afterwards: roles, each with those above it, and owners of keys by name.",
    unit: "none",
    default: "approver",
    range: "operator, approver, admin, or names, separated by commas",
    example: "operator,grace@example.com",
  }),
  AURA_REVIEW_WITHIN: row({
    schema: duration("1s"),
    meaning: "How long somebody else has to review such a rollback; then an alert tells that nobody did.",
    unit: "duration",
    default: "1d",
    range: "1s to 5200w",
    example: "8h",
  }),
  AURA_STAGING_MAX_ROWS: row({
    schema: count(0, 100_000_000),
    meaning: "Rows of one batch that are staged in PostgreSQL; above it they stay in Parquet alone.",
    unit: "rows",
    default: "1000000",
    range: "0 to 100000000",
    example: "200000",
  }),
  AURA_HOUSEKEEPING_EVERY: row({
    schema: duration("1m"),
    meaning: "How often the housekeeping workflow runs.",
    unit: "duration",
    default: "1h",
    range: "1m to 5200w",
    example: "6h",
  }),
  AURA_REPLY_RETENTION: row({
    schema: duration("1h"),
    meaning:
      "How long a reply is kept for a repeat of its request (`Idempotency-Key`); later the key is new.",
    unit: "duration",
    default: "7d",
    range: "1h to 5200w",
    example: "24h",
  }),
  AURA_ALERT_RETENTION: row({
    schema: duration("1d"),
    meaning:
      "How long an alert that is over is kept, with what happened to it and who was told; open ones always are.",
    unit: "duration",
    default: "400d",
    range: "1d to 5200w",
    example: "90d",
  }),
  AURA_REPORT_RETENTION: row({
    schema: duration("1d"),
    meaning:
      "How long reports of drift and of performance are kept; the newest of each version always is, and one that an alert or a retrain on record came of.",
    unit: "duration",
    default: "730d",
    range: "1d to 5200w",
    example: "365d",
  }),
  AURA_DATASET_RETENTION: row({
    schema: z.enum(["list", "remove"]),
    meaning:
      "What housekeeping does with datasets past their retention that nothing needs: list them, or remove them.",
    unit: "none",
    default: "list",
    range: "list or remove",
    example: "remove",
  }),
  AURA_CACHE_MAX_BYTES: row({
    schema: count(2 ** 20, Number.MAX_SAFE_INTEGER),
    meaning:
      "Local copies of S3 objects; above it those used longest ago go, never one in use. Of no effect with a file store.",
    unit: "bytes",
    default: "21474836480",
    range: "1048576 or more",
    example: "107374182400",
  }),
  AURA_TRACE_ASIDE_RETENTION: row({
    schema: duration("1h"),
    meaning: "How long trace segments that could not be shipped stay in the spool as `.aside` files.",
    unit: "duration",
    default: "30d",
    range: "1h to 5200w",
    example: "90d",
  }),
  AURA_ALLOW_LOOPBACK_SOURCES: row({
    schema: flag,
    meaning: "Whether HTTP sources may be pulled from this machine itself; private networks stay refused.",
    unit: "none",
    default: "false",
    range: "true or false",
    example: "true",
  }),
  AURA_TRACE_ON_FULL: row({
    schema: z.enum(["answer", "refuse"]),
    meaning: "What /predict does when a trace cannot be written: answer with `traced: false`, or refuse.",
    unit: "none",
    default: "answer",
    range: "answer or refuse",
    example: "refuse",
  }),
  AURA_LOG_LEVEL: row({
    schema: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    meaning: "Least severe log line that is written.",
    unit: "none",
    default: "info",
    range: "trace, debug, info, warn, error, fatal, silent",
    example: "debug",
  }),
} as const;

export type SettingName = keyof typeof SETTINGS_TABLE;

/** Values as the rows' schemas yield them. */
export type SettingValues = {
  -readonly [K in SettingName]: z.output<(typeof SETTINGS_TABLE)[K]["schema"]>;
};
