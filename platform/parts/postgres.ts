import { join } from "node:path";
import pg from "pg";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { PartContext, PartDefinition, PartPlan } from "./part.ts";
import { findPostgresBinaries } from "./postgres-binaries.ts";
import {
  clearStaleServer,
  ensureCluster,
  POSTGRES_DATABASE,
  POSTGRES_USER,
  postgresPassword,
} from "./postgres-data.ts";
import { unprivilegedUser } from "./unprivileged-user.ts";

const CONNECT_TIMEOUT_MS = 5_000;

/** PostgreSQL: from npm binaries, or the user's own through DATABASE_URL. */
export const postgresPart: PartDefinition = {
  name: "postgres",
  needs: [],
  ports: ["postgres"],
  isEmbedded: (settings) => settings.databaseUrl === undefined,
  plan: planPostgres,
  async probeExternal({ databaseUrl }) {
    try {
      await queryOnce(databaseUrl, "SELECT 1");
      return undefined;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new PlatformError(
        "database_unavailable",
        `reach PostgreSQL [DATABASE_URL, ${hostOf(databaseUrl)}]: ${reason}`,
        { cause },
      );
    }
  },
};

/** URL of the embedded database; holds the password. */
export function embeddedDatabaseUrl(password: string, port: number, database = POSTGRES_DATABASE): string {
  return `postgresql://${POSTGRES_USER}:${password}@127.0.0.1:${port}/${database}`;
}

function planPostgres(context: PartContext): PartPlan {
  const port = context.ports.postgres;
  const password = postgresPassword(context.paths);
  const adminUrl = embeddedDatabaseUrl(password, port, "postgres");
  const directory = context.postgresDirectory;
  return {
    name: "postgres",
    // A fast shutdown: ends the sessions, writes a checkpoint. SIGTERM would wait for the sessions.
    stopSignal: "SIGINT",
    stopGraceMs: 20_000,
    async prepare() {
      const user = unprivilegedUser();
      const binaries = findPostgresBinaries(user);
      const data = await ensureCluster({ binaries, directory, password, user });
      return {
        file: join(binaries.bin, "postgres"),
        args: ["-D", data, ...serverSettings(port)],
        cwd: directory,
        env: { TZ: "UTC", LC_ALL: "C" },
        ...(user === undefined ? {} : { user }),
      };
    },
    beforeSpawn: () => clearStaleServer(join(directory, "data")),
    async probe() {
      await queryOnce(adminUrl, "SELECT 1");
    },
    afterReady: () => ensureDatabase(adminUrl),
  };
}

/**
 * Loopback TCP only and no socket file: state folders may be deeper than the 107 bytes a socket path
 * may have. fsync stays on: acknowledged means committed.
 */
function serverSettings(port: number): readonly string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: "",
    max_connections: 100,
    shared_buffers: "128MB",
    max_wal_size: "1GB",
    timezone: "UTC",
    log_timezone: "UTC",
    log_min_messages: "warning",
    log_checkpoints: "off",
    jit: "off",
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

async function ensureDatabase(adminUrl: string): Promise<void> {
  const exists = `SELECT 1 FROM pg_database WHERE datname = '${POSTGRES_DATABASE}'`;
  if ((await queryOnce(adminUrl, exists)) === 0)
    await queryOnce(adminUrl, `CREATE DATABASE ${POSTGRES_DATABASE}`);
}

/** Runs one constant statement on a connection of its own. @returns the number of rows it yields */
async function queryOnce(url: string, sql: string): Promise<number> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
  });
  // A connection that breaks while idle emits an error event, which would end the process unheard.
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query(sql);
    return rows.length;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "unreadable URL";
}
