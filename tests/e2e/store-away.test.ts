import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { ApiClient, apiPath } from "../../cli/client.ts";
import { runViewSchema } from "../../schemas/runs/run.ts";
import type { StartedRun } from "../faults/drive-run.ts";
import { PatientPerson } from "../faults/drive-run.ts";
import { inMs } from "../faults/patience.ts";
import { describeWithServices, startTestPlatform } from "../support/platform.ts";
import type { TestPlatform } from "../support/platform.ts";
import { S3_TEST_ACCESS_KEY, S3_TEST_SECRET_KEY, startS3TestServer } from "../support/s3-server.ts";
import type { S3TestServer } from "../support/s3-server.ts";

/** A run on a whole platform whose object store goes away in the middle of it. One story, in order. */

const STORY_MS = 120_000;
/** Readiness looks every 0.7 s for at most 1 s; the rest is the machine's. */
const SOON = { timeout: 10_000, interval: 100 };

await describeWithServices("a run whose object store goes away", () => {
  let store: S3TestServer | undefined;
  let missing = "";
  let test: TestPlatform | undefined;
  let person: PatientPerson;
  let client: ApiClient;
  let started: StartedRun;

  beforeAll(async () => {
    const server = await startS3TestServer();
    if ("missing" in server) {
      missing = server.missing;
      return;
    }
    store = server;
    test = await startTestPlatform({
      parts: ["postgres", "temporal", "worker", "api"],
      environment: {
        AURA_OBJECTS: `s3://${server.bucket}/state`,
        AWS_ENDPOINT_URL_S3: server.endpoint,
        AWS_ACCESS_KEY_ID: S3_TEST_ACCESS_KEY,
        AWS_SECRET_ACCESS_KEY: S3_TEST_SECRET_KEY,
        AWS_REGION: "us-east-1",
      },
    });
    const { api } = test.platform.urls;
    person = new PatientPerson(api, inMs(STORY_MS));
    client = new ApiClient({ baseUrl: api });
  }, STORY_MS);
  afterAll(async () => {
    await test?.dispose();
    await store?.dispose();
  }, STORY_MS);

  const readyz = async () => {
    const reply = await fetch(`${test?.platform.urls.api ?? ""}/readyz`);
    const { parts } = z
      .object({ parts: z.array(z.object({ name: z.string(), ok: z.boolean() })) })
      .parse(await reply.json());
    return [reply.status, parts.filter(({ ok }) => !ok).map(({ name }) => name)];
  };

  it("waits for it, and says so", { timeout: STORY_MS }, async ({ skip }) => {
    if (store === undefined) return skip(`no S3 server: ${missing}`);
    await expect.poll(readyz, SOON).toEqual([200, []]);
    started = await person.startRun();
    await person.untilStage(started.runId, "ingest");
    await store.stop();
    await expect.poll(readyz, SOON).toEqual([503, ["objects"]]);
    const view = () => client.get(apiPath`/v1/runs/${started.runId}`, runViewSchema);
    await expect
      .poll(view, { ...SOON, timeout: 30_000 })
      .toMatchObject({ status: "running", waitsFor: { code: "objects_unavailable" } });
  });

  it("goes on when it is back, and ends promoted once", { timeout: STORY_MS }, async ({ skip }) => {
    if (store === undefined) return skip(`no S3 server: ${missing}`);
    await store.start();
    await expect.poll(readyz, SOON).toEqual([200, []]);
    const view = await person.finishRun(started.runId);
    expect(view).toMatchObject({ status: "finished", outcome: "promoted", version: 1 });
    expect(view.waitsFor).toBeUndefined();
    const history = z.object({ history: z.array(z.object({ alias: z.string(), version: z.int() })) });
    const model = await client.get(apiPath`/v1/models/${view.model}`, history);
    expect(model.history.filter(({ alias }) => alias === "champion")).toHaveLength(1);
  });
});
