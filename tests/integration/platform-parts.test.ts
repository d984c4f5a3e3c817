import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DefaultLogger, NativeConnection, Runtime, Worker } from "@temporalio/worker";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSettings } from "../../config/settings.ts";
import { apiPart } from "../../platform/parts/api.ts";
import { prepareObjects } from "../../platform/parts/objects.ts";
import type { PartContext } from "../../platform/parts/part.ts";
import { postgresPart } from "../../platform/parts/postgres.ts";
import { temporalPart } from "../../platform/parts/temporal.ts";
import { workerPart } from "../../platform/parts/worker.ts";
import { choosePorts } from "../../platform/process/ports.ts";
import { PORT_NAMES, statePaths } from "../../platform/state-dir.ts";
import { TASK_QUEUES } from "../../temporal-config/constants.ts";
import {
  describeWithServices,
  makeStateFolder,
  startTestPlatform,
  testEnvironment,
} from "../support/platform.ts";

/** The parts one by one: what counts as ready, and what is said of the user's own services. */

const folder = makeStateFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NOT_LISTENING = 1; // port 1 needs root to listen on and nothing does

async function contextOf(environment: Readonly<Record<string, string>>, apiUrl = ""): Promise<PartContext> {
  const settings = readSettings(
    testEnvironment({ AURA_STATE_DIR: join(folder, ".aura"), ...environment }),
    folder,
  );
  return {
    settings,
    paths: statePaths(settings.stateDir),
    ports: (await choosePorts(PORT_NAMES, { remembered: {}, preferred: {} })).ports,
    databaseUrl: settings.databaseUrl ?? "",
    temporalAddress: settings.temporal.address ?? "",
    apiUrl,
    postgresDirectory: "",
    onProgress: () => undefined,
    onWarning: () => undefined,
    signal: new AbortController().signal,
  };
}

describe("API part", () => {
  const status = { "/readyz": 503, "/livez": 200 };
  const server = createServer((request, response) => {
    response.statusCode = request.url === "/readyz" ? status["/readyz"] : status["/livez"];
    response.end();
  });
  beforeAll(() => once(server.listen(0, "127.0.0.1"), "listening"));
  afterAll(() => void server.close());

  it("must be ready once, and is then asked only whether it lives", async () => {
    const { port } = server.address() as AddressInfo;
    const plan = apiPart.plan(await contextOf({}, `http://127.0.0.1:${port}`));
    const [first, second] = [new Date(0), new Date(1)];
    const probe = (spawnedAt: Date) => plan.probe(AbortSignal.timeout(5_000), spawnedAt);
    await expect(probe(first)).rejects.toThrow("/readyz: HTTP 503");
    status["/readyz"] = 200;
    await probe(first);
    status["/readyz"] = 503; // the database went away: no reason to restart the API
    await probe(first);
    await expect(probe(second)).rejects.toThrow("/readyz"); // a new process must be ready again
  });
});

describe("own services that do not answer", () => {
  it.each([
    ["PostgreSQL", postgresPart, "database_unavailable"],
    ["Temporal", temporalPart, "temporal_unavailable"],
  ])("%s is named, and no secret with it", async (_name, part, code) => {
    const context = await contextOf({
      DATABASE_URL: `postgresql://aura:hunter2@127.0.0.1:${NOT_LISTENING}/aura`,
      TEMPORAL_ADDRESS: `127.0.0.1:${NOT_LISTENING}`,
    });
    const error: unknown = await part.probeExternal(context).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code });
    expect(String(error)).not.toContain("hunter2");
  });

  it("the object store is named", async () => {
    const { settings } = await contextOf({
      AURA_OBJECTS: "s3://bucket",
      AWS_ENDPOINT_URL: `http://127.0.0.1:${NOT_LISTENING}`,
      AWS_ACCESS_KEY_ID: "x",
      AWS_SECRET_ACCESS_KEY: "hunter2",
      AWS_MAX_ATTEMPTS: "1",
    });
    await expect(prepareObjects(settings.objects, settings.environment)).rejects.toMatchObject({
      code: "objects_unavailable",
    });
  });
});

await describeWithServices("parts on real services", (services) => {
  it("accepts the user's own PostgreSQL and Temporal, with a word about the old server", async () => {
    const context = await contextOf({
      DATABASE_URL: services.databaseUrl,
      TEMPORAL_ADDRESS: services.temporalAddress,
    });
    expect(postgresPart.isEmbedded(context.settings)).toBe(false);
    expect(await postgresPart.probeExternal(context)).toBeUndefined();
    expect(await temporalPart.probeExternal(context)).toMatch(/1\.29\.1.*loopback/);
  });

  it("takes a worker for ready when it polls since its start", async () => {
    // A server of its own: another file's worker may serve the same queue on the shared one.
    const { platform, dispose } = await startTestPlatform({ parts: ["temporal"] });
    const address = platform.urls.temporalAddress;
    const plan = workerPart.plan(await contextOf({ TEMPORAL_ADDRESS: address, AURA_WORKER_QUEUES: "data" }));
    const probe = (spawnedAt: Date) => plan.probe(AbortSignal.timeout(5_000), spawnedAt);
    const now = new Date();
    const future = new Date(now.getTime() + 3_600_000);
    await expect(probe(now)).rejects.toThrow("does not poll");

    Runtime.install({ logger: new DefaultLogger("ERROR") });
    const connection = await NativeConnection.connect({ address });
    const worker = await Worker.create({
      connection,
      taskQueue: TASK_QUEUES.data,
      activities: { rest: async () => 0 },
    });
    await worker.runUntil(async () => {
      await expect.poll(() => probe(now).then(() => "ready"), { timeout: 5_000, interval: 50 }).toBe("ready");
    });
    await expect(probe(future)).rejects.toThrow("does not poll");
    await plan.dispose?.();
    await connection.close();
    await dispose();
  });
});
