import { mkdirSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { readSettings } from "../../config/settings.ts";
import { startPlatform } from "../../platform/supervisor.ts";
import { auraCommand } from "../aura-command.ts";
import { writeFleetTable, writePipeline } from "../serve/fleet-table.ts";
import type { SuiteContext } from "../suite.ts";
import { COLUMNS, SOURCE } from "./reading-bodies.ts";

/** The real platform with a live source declared and a model that serves. */
export interface IngestPlatform {
  readonly port: number;
  readonly apiUrl: string;
  /** Of the embedded MQTT endpoint. */
  readonly mqttPort: number;
  /** For what only the database can tell: rows, sizes, and the bare COPY beside which we are measured. */
  readonly database: pg.Client;
  readonly databaseUrl: string;
  apiPid(): number;
  stop(): Promise<void>;
}

const N_TREES = 100;

export async function startIngestPlatform(context: SuiteContext): Promise<IngestPlatform> {
  const { root, scratch } = context;
  const stateDir = join(scratch, "state");
  const settings = readSettings({ AURA_STATE_DIR: stateDir, AURA_LOG_LEVEL: "warn" }, scratch);
  // Supervised by this process, which is how it knows where the database is.
  const platform = await startPlatform(settings, { anyPorts: true });
  const { databaseUrl, api, mqtt } = platform.urls;
  if (mqtt === undefined) throw new Error("MQTT endpoint of the platform: expected one, got none");
  const database = new pg.Client({ connectionString: databaseUrl });
  database.on("error", () => undefined);
  const stop = async (): Promise<void> => {
    await database.end().catch(() => undefined);
    await platform.stop();
  };
  try {
    await database.connect();
    await declare(api);
    await serveModel(context, auraCommand(root, stateDir));
    return {
      port: Number(new URL(api).port),
      apiUrl: api,
      mqttPort: Number(new URL(mqtt).port),
      database,
      databaseUrl,
      apiPid() {
        const pid = platform.parts().find(({ name }) => name === "api")?.process?.pid;
        if (pid === undefined) throw new Error("process of the API: expected one, got none");
        return pid;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function serveModel(
  { scratch, quick }: SuiteContext,
  aura: ReturnType<typeof auraCommand>,
): Promise<void> {
  const data = join(scratch, "fleet");
  mkdirSync(data, { recursive: true });
  writeFleetTable(data, 1, quick);
  const pipeline = writePipeline(join(scratch, "pipeline.yaml"), { learningRate: 0.05, nTrees: N_TREES });
  const run = await aura.train([pipeline, "--data", data, "--approve-as", "bench@example.com"], 300_000);
  if (run.outcome !== "promoted") throw new Error(`model: expected promoted, got ${run.outcome}`);
}

async function declare(api: string): Promise<void> {
  const response = await fetch(`${api}/v1/sources/${SOURCE}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: SOURCE, owner: "bench", columns: COLUMNS }),
  });
  if (!response.ok) throw new Error(`declare source: ${response.status} ${await response.text()}`);
}
