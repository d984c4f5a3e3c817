import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PredictReply } from "../../../schemas/serving/prediction.ts";
import { createObjectStore } from "../../../stores/objects/object-store.ts";
import type { ObjectStore } from "../../../stores/objects/port.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database, VersionRow } from "../../../stores/postgres/port.ts";
import { until } from "../../support/api-fixture.ts";
import { promoteVersion } from "../../support/champions.ts";
import { freePort } from "../../support/free-port.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { putTinyVersion } from "../../support/served-versions.ts";

const ENTRY = join(import.meta.dirname, "../../../dist/api/main.js");
const ROW = { voltage: 10, current: 0.5 };

await describeWithServices("the API process on real services", ({ temporalAddress, namespace }) => {
  let folder: string;
  let database: TestDatabase;
  let db: Database;
  let objects: ObjectStore;
  let port: number;
  let api: ChildProcess;
  let log = "";
  const url = (path: string): string => `http://127.0.0.1:${port}${path}`;

  const register = async (version: number, slope: number): Promise<VersionRow> =>
    promoteVersion(db, await putTinyVersion(objects, { version, slope }));

  function start(): void {
    api = fork(ENTRY, [], {
      cwd: folder,
      silent: true,
      env: {
        PATH: process.env["PATH"] ?? "",
        AURA_STATE_DIR: folder,
        AURA_API_PORT: String(port),
        AURA_INFERENCE_CHILDREN: "1",
        AURA_OBJECTS: pathToFileURL(join(folder, "objects")).href,
        DATABASE_URL: database.url,
        TEMPORAL_ADDRESS: temporalAddress,
        TEMPORAL_NAMESPACE: namespace,
      },
    });
    for (const stream of [api.stdout, api.stderr])
      stream?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  }

  const isReady = async (): Promise<boolean> => (await fetch(url("/readyz")).catch(() => ({ ok: false }))).ok;
  const ended = (child: ChildProcess): Promise<number | null> =>
    new Promise((resolve) => child.once("exit", (code) => resolve(code)));

  async function predict(): Promise<PredictReply> {
    const response = await fetch(url("/predict"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rows: [ROW], assets: ["unit-7"] }),
    });
    expect(response.status).toBe(200);
    return (await response.json()) as PredictReply;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "aura-api-process-"));
    port = await freePort();
    database = await createTestDatabase("api_process");
    db = await createDatabase(database.url);
    objects = createObjectStore({
      objects: pathToFileURL(join(folder, "objects")).href,
      cacheDir: join(folder, "cache"),
    });
    start();
    await until(isReady);
  }, 60_000);
  afterAll(async () => {
    api.kill("SIGKILL");
    await db.close();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  test("a promotion is served within two seconds; traces survive kill -9 and lead to index and lineage", async () => {
    const first = await register(1, 2);
    const began = performance.now();
    await until(async () => (await fetch(url("/v2/models/pump/ready"))).ok);
    expect(performance.now() - began).toBeLessThan(2_500);
    const replies = [await predict(), await predict()];
    expect(replies[0]).toMatchObject({ version: first.version, digest: first.digest, traced: true });
    const lost = await predict();
    api.kill("SIGKILL");
    await ended(api);
    start();
    await until(isReady);
    const ids = [...replies, lost].map((reply) => reply.predictions[0]?.predictionId ?? "");
    await until(async () =>
      (await Promise.all(ids.map((id) => db.predictions.get(id)))).every((row) => row?.object != null),
    );
    const lineage = await fetch(url(`/v1/lineage/prediction/${ids[2]}`));
    expect(await lineage.json()).toMatchObject({
      lists: {
        predictions: [{ asset: "unit-7" }],
        versions: [{ model: "pump", version: first.version }],
      },
    });
    const listed = (await (await fetch(url("/v1/predictions?asset=unit-7"))).json()) as { items: unknown[] };
    expect(listed.items).toHaveLength(3);
  }, 30_000);

  test("the next promotion takes over, the champion of the past is told, SIGTERM ends in order", async () => {
    const between = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await register(2, 3);
    await until(async () => (await predict()).version === second.version);
    expect((await predict()).predictions[0]?.value).toBe(31.5);
    const champion = (await (
      await fetch(url(`/v1/models/pump/champion?at=${between}`))
    ).json()) as VersionRow;
    expect(champion.version).toBe(second.version - 1);
    const compared = await (await fetch(url("/v1/models/pump/compare?a=1&b=2"))).json();
    expect(compared).toMatchObject({ sameHoldout: true, differentFiles: expect.arrayContaining(["onnx"]) });
    api.kill("SIGTERM");
    expect(await ended(api)).toBe(0);
    const lines = log
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { msg: string });
    expect(lines.map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(["listening", "ready", "champion serves", "stopping"]),
    );
  }, 30_000);
});
