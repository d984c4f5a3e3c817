import { mkdirSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { packageRoot } from "../../../config/package-root.ts";
import { sendSignal } from "../../../platform/process/identity.ts";
import { freePort } from "../../support/free-port.ts";
import { startTestPlatform, testEnvironment } from "../../support/platform.ts";
import type { TestPlatform } from "../../support/platform.ts";
import type { Ledger } from "./ledger.ts";
import { Respawned } from "./respawned.ts";

/** What is killed. The embedded broker lives in the ingestor: one is killed while it reads files, the other while it serves MQTT. */
export const KILLED_PARTS = ["api", "ingestor", "broker", "scorer", "postgres"] as const;
export type KilledPart = (typeof KILLED_PARTS)[number];

export interface KilledPlatformOptions {
  readonly parts: readonly KilledPart[];
  /** Built entries; default: the product's. */
  readonly apiEntry?: string;
  readonly ingestorEntry?: string;
}

/** The parts of a platform that take readings and follow them, each of which is started again when it is killed. */
export class KilledPlatform {
  readonly apiUrl: string;
  readonly databaseUrl: string;
  readonly mqttPort: number;
  /** The folder that a feed watches. */
  readonly inbox: string;
  readonly #test: TestPlatform;
  readonly #processes: ReadonlyMap<string, Respawned>;

  private constructor(
    test: TestPlatform,
    {
      ports,
      processes,
    }: { readonly ports: { api: number; mqtt: number }; readonly processes: ReadonlyMap<string, Respawned> },
  ) {
    this.#test = test;
    this.#processes = processes;
    this.databaseUrl = test.platform.urls.databaseUrl;
    this.apiUrl = `http://127.0.0.1:${ports.api}`;
    this.mqttPort = ports.mqtt;
    this.inbox = join(test.stateDir, "feeds", "inbox");
  }

  static async start({
    parts,
    apiEntry = "api/main.js",
    ingestorEntry = "workers/ingestor.js",
  }: KilledPlatformOptions): Promise<KilledPlatform> {
    const test = await startTestPlatform({ parts: ["postgres"] });
    const ports = { api: await freePort(), mqtt: await freePort() };
    const environment = {
      ...testEnvironment({}),
      DATABASE_URL: test.platform.urls.databaseUrl,
      // Nothing of this case needs it.
      TEMPORAL_ADDRESS: "127.0.0.1:1",
      AURA_API_PORT: String(ports.api),
      AURA_MQTT_PORT: String(ports.mqtt),
      AURA_FEED_FOLDERS: join(test.stateDir, "feeds"),
      AURA_INFERENCE_CHILDREN: "1",
      AURA_LOG_LEVEL: "silent",
    };
    mkdirSync(join(test.stateDir, "feeds", "inbox"), { recursive: true });
    const respawn = (name: string, entry: string): [string, Respawned] => [
      name,
      new Respawned(join(packageRoot(), "dist", entry), {
        ...environment,
        AURA_STATE_DIR: join(test.stateDir, `killed-${name}`),
      }),
    ];
    const processes = new Map([respawn("api", apiEntry)]);
    if (takesMqtt(parts)) processes.set(...respawn("ingestor", ingestorEntry));
    if (parts.includes("scorer")) processes.set(...respawn("scorer", "workers/scorer.js"));
    return new KilledPlatform(test, { ports, processes });
  }

  nStarts(name: "api" | "ingestor" | "scorer"): number {
    return this.#processes.get(name)?.nStarts ?? 0;
  }

  kill(part: KilledPart): void {
    if (part === "postgres") {
      const postgres = this.#test.platform.parts().find(({ name }) => name === "postgres")?.process;
      if (postgres !== undefined) sendSignal(postgres.pid, "SIGKILL");
    } else this.#processes.get(part === "broker" ? "ingestor" : part)?.kill();
  }

  /** A number that grows while the part does its work. */
  async progress(part: KilledPart, ledger: Ledger): Promise<number> {
    switch (part) {
      case "api":
      case "postgres":
        return ledger.nBy("http");
      case "ingestor":
        return ledger.nBy("files");
      case "broker":
        return ledger.nBy("mqtt");
      case "scorer":
        return (await this.followed()).least;
    }
  }

  /** How far the scorer has followed the commits: in the shard that is furthest behind, and how far it is to go. */
  async followed(): Promise<{ readonly least: number; readonly last: number }> {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    client.on("error", () => undefined);
    await client.connect();
    try {
      const { rows } = await client.query<{ least: number; last: number }>(
        `select (select coalesce(min(coalesce(followed_batch, 0)), 0) from aura.shard_leases)::int as least,
                (select coalesce(max(batch_id), 0) from aura.reading_batches)::int as last`,
      );
      return rows[0] ?? { least: 0, last: 0 };
    } finally {
      await client.end();
    }
  }

  async dispose(): Promise<void> {
    for (const process of this.#processes.values()) process.stop();
    await this.#test.dispose();
  }
}

/** Whether the ingestor is among what is killed: only then it runs, and devices use it. */
export const takesMqtt = (parts: readonly KilledPart[]): boolean =>
  parts.includes("ingestor") || parts.includes("broker");
