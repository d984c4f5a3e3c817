import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { ApiClient, apiPath } from "../../../cli/client.ts";
import { recommendationSchema } from "../../../schemas/maintenance/recommendation.ts";
import type { Recommendation } from "../../../schemas/maintenance/recommendation.ts";
import { workOrderSchema } from "../../../schemas/maintenance/work-order.ts";
import type { WorkOrder } from "../../../schemas/maintenance/work-order.ts";
import { createObjectStore } from "../../../stores/objects/object-store.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database } from "../../../stores/postgres/port.ts";
import { promoteVersion } from "../../support/champions.ts";
import { startTestPlatform } from "../../support/platform.ts";
import type { TestPlatform } from "../../support/platform.ts";
import { putTinyVersion } from "../../support/served-versions.ts";
import { inMs, untilAnswered } from "../../faults/patience.ts";

/** Parts may be away meanwhile. */
const PATIENCE_MS = 60_000;
const SECRET = "sesame";
export const LOST = z.looseObject({});

/** What a maintenance system was sent, each once by its key. */
export interface OrderReceiver {
  readonly url: string;
  readonly orders: ReadonlyMap<string, { readonly workOrder: WorkOrder["document"] }>;
  /** Signatures that were wrong. */
  readonly forged: string[];
  /** Refuses so many posts first. */
  refuseNext(n: number): void;
  close(): Promise<void>;
}

export async function startOrderReceiver(): Promise<OrderReceiver> {
  const orders = new Map<string, { readonly workOrder: WorkOrder["document"] }>();
  const forged: string[] = [];
  let nToRefuse = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      const {
        "x-aura-timestamp": at,
        "x-aura-signature": signature,
        "idempotency-key": key,
      } = request.headers;
      const expected = createHmac("sha256", SECRET)
        .update(`${String(at)}.${body}`)
        .digest("hex");
      if (signature !== `v1=${expected}`) forged.push(String(key));
      if (nToRefuse > 0) {
        nToRefuse -= 1;
        response.writeHead(503).end();
        return;
      }
      orders.set(String(key), JSON.parse(body) as { readonly workOrder: WorkOrder["document"] });
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/orders`,
    orders,
    forged,
    refuseNext: (n) => void (nToRefuse = n),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/**
 * A platform whose champion `pump` says how many hours an asset has left (2 · voltage + current + 1), with a maintenance policy:
 * assets `c…` are critical. Readings are hours apart.
 */
export class MaintenanceBench {
  readonly test: TestPlatform;
  readonly db: Database;
  readonly client: ApiClient;
  readonly receiver: OrderReceiver;
  #at = Date.now() - 5_000 * 3_600_000;

  private constructor(given: Pick<MaintenanceBench, "test" | "db" | "client" | "receiver">) {
    this.test = given.test;
    this.db = given.db;
    this.client = given.client;
    this.receiver = given.receiver;
  }

  static async open(policy: string): Promise<MaintenanceBench> {
    const receiver = await startOrderReceiver();
    const test = await startTestPlatform({
      parts: ["postgres", "temporal", "worker", "api", "scorer"],
      environment: {
        AURA_ALLOW_LOOPBACK_SOURCES: "true",
        AURA_ALERT_SECRET: SECRET,
        AURA_INFERENCE_CHILDREN: "1",
        AURA_SCORE_EVERY: "100ms",
        AURA_LOG_LEVEL: "warn",
      },
    });
    const db = await createDatabase(test.platform.urls.databaseUrl);
    const objects = createObjectStore({
      objects: pathToFileURL(join(test.stateDir, "objects")).href,
      cacheDir: join(test.stateDir, "test-cache"),
      cacheMaxBytes: 2 ** 28,
    });
    const client = new ApiClient({ baseUrl: test.platform.urls.api });
    const bench = new MaintenanceBench({ test, db, client, receiver });
    const columns = [{ name: "voltage" }, { name: "current" }];
    await client.put("/v1/sources/pump", { reply: LOST, body: { name: "pump", owner: "test", columns } });
    const to = { kind: "webhook", url: receiver.url, secret: "${env:AURA_ALERT_SECRET}" };
    await client.put("/v1/alert-channels/cmms", {
      reply: LOST,
      body: { name: "cmms", rules: ["no-such-rule"], to },
    });
    await promoteVersion(db, await putTinyVersion(objects, { timeKind: "timestamp" }), pipelineText(policy));
    await bench.#warm();
    return bench;
  }

  /** Readings that come before the scorer knows of the model are scored with the next one. */
  async #warm(): Promise<void> {
    await this.patiently("a scorer", async () => {
      await this.#send("warm", 1_000);
      return (await this.db.online.scores({ model: "pump", asset: "warm", limit: 1 })).at(0);
    });
  }

  /** @returns time of the reading */
  async #send(asset: string, hoursLeft: number): Promise<number> {
    this.#at += 3_600_000;
    const ts = this.#at * 1_000;
    const values = { voltage: (hoursLeft - 1) / 2, current: 0 };
    const readings = [{ asset, time: new Date(this.#at).toISOString(), values }];
    await this.patiently("a reading", () =>
      this.client.post("/v1/readings", { reply: LOST, body: { source: "pump", readings } }),
    );
    return ts;
  }

  /** One reading after which the asset has so many hours left. @returns once it is scored */
  async reads(asset: string, hoursLeft: number): Promise<void> {
    const ts = await this.#send(asset, hoursLeft);
    await this.patiently(`the score of ${asset}`, async () => {
      const [score] = await this.db.online.scores({ model: "pump", asset, limit: 1 });
      return score?.ts === ts ? true : undefined;
    });
    // Answers are looked at each second, of each asset the newest.
    await this.patiently("the look at it", async () => {
      const { rows } = await this.sql(
        "select 1 from aura.maintenance_watch where scores_from > (select written from aura.asset_scores where asset_id = $1)",
        [asset],
      );
      return rows.length > 0 ? true : undefined;
    });
  }

  /** The asset's newest recommendation, once it is as expected. */
  recommendation(asset: string, isDone: (row: Recommendation) => boolean): Promise<Recommendation> {
    return this.patiently(`the recommendation of ${asset}`, async () => {
      const query = { asset, state: "all", limit: 1 };
      const { items } = await this.client.get(
        "/v1/recommendations",
        z.object({ items: z.array(recommendationSchema) }),
        query,
      );
      const [row] = items;
      if (row !== undefined && !isDone(row)) throw new Error(JSON.stringify(row).slice(0, 1_500));
      return row;
    });
  }

  decide(
    id: string,
    by: string,
    decision: "approve" | "reject",
    decisionId = `${id}-${by}`,
  ): Promise<Recommendation> {
    return this.client.post(apiPath`/v1/recommendations/${id}/decision`, {
      reply: recommendationSchema,
      body: { decisionId, decision, by, reason: "looked at it" },
    });
  }

  say(workOrderId: string, event: object): Promise<WorkOrder> {
    return this.client.post(apiPath`/v1/work-orders/${workOrderId}/events`, {
      reply: workOrderSchema,
      body: event,
    });
  }

  async sql(text: string, values: readonly unknown[] = []): Promise<{ rows: Record<string, unknown>[] }> {
    const { default: pg } = await import("pg");
    const connection = new pg.Client({ connectionString: this.test.platform.urls.databaseUrl });
    await connection.connect();
    try {
      return await connection.query(text, [...values]);
    } finally {
      await connection.end();
    }
  }

  patiently<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
    return untilAnswered(what, inMs(PATIENCE_MS), ask);
  }

  async close(): Promise<void> {
    await this.db.close();
    await this.test.dispose();
    await this.receiver.close();
  }
}

function pipelineText(policy: string): string {
  return `
name: pump
owner: tests
sources:
  readings:
    files: readings.csv
    asset: asset
    time: { column: time, kind: timestamp }
    columns: [{ name: voltage }, { name: current }]
label: { kind: end_of_life, ends: [{ at: last_reading }] }
task: { kind: rul }
maintenance:
${policy}
`;
}
