import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { packageRoot } from "../../../config/package-root.ts";
import { feedSchema } from "../../../schemas/live/feed.ts";
import { liveSourceSchema } from "../../../schemas/live/source.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Actor, Database } from "../../../stores/postgres/port.ts";
import { createTestDatabase } from "../../support/platform.ts";
import { freePort } from "../../support/free-port.ts";
import { until } from "./until.ts";

export const TESTER: Actor = { id: "tester", role: "admin", authenticated: false };

/** A database with a source `pumps`, a folder, and ingestor processes that can be killed. */
export interface IntakeBench {
  readonly db: Database;
  readonly databaseUrl: string;
  /** The only folder that feeds may watch. */
  readonly folder: string;
  /** Output of the ingestors, for a failing test. */
  readonly output: () => string;
  startIngestor(environment?: Readonly<Record<string, string>>): Promise<Ingestor>;
  putFeed(document: unknown): Promise<void>;
  sql<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  /** How often each asset and sequence is stored. */
  stored(): Promise<number>;
  letters(): Promise<{ code: string; message: string; body: string }[]>;
  close(): Promise<void>;
}

export interface Ingestor {
  readonly child: ChildProcess;
  readonly metricsPort: number;
  readonly mqttPort: number;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const COLUMNS = [
  { name: "pressure", unit: "bar" },
  { name: "n", type: "integer" },
];

export async function openIntakeBench(name: string): Promise<IntakeBench> {
  const test = await createTestDatabase(name);
  const db = await createDatabase(test.url);
  const folder = await mkdtemp(join(tmpdir(), "aura-adapters-"));
  await db.liveSources.put(
    liveSourceSchema.parse({ name: "pumps", owner: "tests", columns: COLUMNS }),
    TESTER,
  );
  const pool = new pg.Pool({ connectionString: test.url, max: 2 });
  const ingestors = new Set<Ingestor>();
  const lines: string[] = [];
  const sql = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> =>
    (await pool.query<Row>(text, values)).rows;
  return {
    db,
    databaseUrl: test.url,
    folder,
    output: () => lines.join(""),
    sql,
    async startIngestor(environment = {}) {
      const [metricsPort, mqttPort] = [await freePort(), await freePort()];
      const child = spawn(process.execPath, [join(packageRoot(), "dist/workers/ingestor.js")], {
        cwd: folder,
        env: {
          PATH: process.env["PATH"] ?? "",
          DATABASE_URL: test.url,
          AURA_STATE_DIR: join(folder, ".aura"),
          AURA_METRICS_PORT: String(metricsPort),
          AURA_MQTT_PORT: String(mqttPort),
          AURA_ALLOW_LOOPBACK_SOURCES: "true",
          ...environment,
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (text: Buffer) => lines.push(String(text)));
      const exited = once(child, "exit");
      const end = async (signal: NodeJS.Signals): Promise<void> => {
        ingestors.delete(ingestor);
        child.kill(signal);
        await exited;
      };
      const ingestor = {
        child,
        metricsPort,
        mqttPort,
        kill: () => end("SIGKILL"),
        stop: () => end("SIGTERM"),
      };
      ingestors.add(ingestor);
      await until(
        () =>
          fetch(`http://127.0.0.1:${metricsPort}/livez`).then(
            ({ ok }) => ok,
            () => child.exitCode !== null,
          ),
        Boolean,
      );
      if (child.exitCode !== null) throw new Error(`the ingestor ended: ${lines.join("")}`);
      return ingestor;
    },
    async putFeed(document) {
      await db.feeds.put(feedSchema.parse(document), TESTER);
    },
    stored: async () => (await sql<{ n: number }>("select count(*)::int as n from aura.readings"))[0]?.n ?? 0,
    letters: () => sql("select code, message, body from aura.dead_letters order by letter_id"),
    async close() {
      await Promise.all([...ingestors].map((ingestor) => ingestor.kill()));
      await pool.end();
      await db.close();
      await test.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Reading `n` of an asset: one a second, so that each has a key of its own. */
export function readingOf(
  asset: string,
  n: number,
): { asset: string; time: string; values: { pressure: number; n: number } } {
  return {
    asset,
    time: new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString(),
    values: { pressure: (n % 100) / 10, n },
  };
}
