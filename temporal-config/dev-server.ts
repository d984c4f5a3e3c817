import { SEARCH_ATTRIBUTES, SEARCH_ATTRIBUTE_TYPE } from "./constants.ts";

export interface DevServerOptions {
  /** SQLite file; null keeps everything in memory (tests). */
  readonly databaseFile: string | null;
  readonly port: number;
  /** Port of the web UI; null runs without it. */
  readonly uiPort: number | null;
  /** Further namespace beside `default`. */
  readonly namespace?: string;
}

/**
 * Settings of the server's own that its defaults make slow, as `key=JSON`.
 *
 * The first: tasks of the one shard are asked for 20 times a second, so that each activity in sequence
 * costs 98 ms; with 100 it is 18 ms. The second: timers and retry back-offs below 1 s take 1 s.
 * Measured on CLI 1.5.1; throughput in bulk is unchanged.
 */
const DYNAMIC_CONFIG = [
  "history.transferProcessorMaxPollRPS=100",
  'history.timerProcessorMaxTimeShift="10ms"',
];

/**
 * With its default journal the file database does 12 to 34 workflows/s; with these 85, as in memory.
 * NORMAL with WAL survives a killed process; a power cut may lose the last commits but never corrupts.
 */
const SQLITE_PRAGMAS = ["journal_mode=WAL", "synchronous=NORMAL"];

/** Arguments of `temporal` for the embedded server: one machine, loopback only. */
export function devServerArguments(options: DevServerOptions): readonly string[] {
  const { databaseFile, uiPort, namespace } = options;
  return [
    "server",
    "start-dev",
    "--ip=127.0.0.1",
    `--port=${options.port}`,
    ...(uiPort === null ? ["--headless"] : ["--ui-port", String(uiPort)]),
    ...(databaseFile === null ? [] : ["--db-filename", databaseFile]),
    ...(databaseFile === null ? [] : SQLITE_PRAGMAS.flatMap((pragma) => ["--sqlite-pragma", pragma])),
    ...DYNAMIC_CONFIG.flatMap((entry) => ["--dynamic-config-value", entry]),
    ...Object.values(SEARCH_ATTRIBUTES).flatMap((name) => [
      "--search-attribute",
      `${name}=${SEARCH_ATTRIBUTE_TYPE}`,
    ]),
    ...(namespace === undefined || namespace === "default" ? [] : ["--namespace", namespace]),
    "--log-level=warn",
    "--color=never",
  ];
}
