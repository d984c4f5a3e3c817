import { afterEach, expect, it } from "vitest";
import type { AlertCurvePoint, Signature } from "../../../schemas/models/model-version.ts";
import type { PredictReply } from "../../../schemas/serving/prediction.ts";
import { startApiFixture, until } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { MemoryObjects } from "../../support/memory-objects.ts";
import { putTinyVersion } from "../../support/served-versions.ts";

/** Another threshold for a version that serves: no graph is loaded anew, and the choice is kept. */

const fixtures: ApiFixture[] = [];
afterEach(async () => {
  await Promise.all(fixtures.splice(0).map((fixture) => fixture.close()));
});

const CURVE: readonly AlertCurvePoint[] = [
  { threshold: 5, alertShare: 0.1, alertRows: 100, alertsPerAssetMonth: 9 },
  { threshold: 20, alertShare: 0.01, alertRows: 10, alertsPerAssetMonth: 2 },
  { threshold: 30, alertShare: 0, alertRows: 0, alertsPerAssetMonth: 0 },
];
const PATH = "/v1/models/pump/versions/1/thresholds";

async function start(output: Partial<Signature> = {}): Promise<ApiFixture> {
  const objects = new MemoryObjects();
  const row = await putTinyVersion(objects, {
    signature: {
      problem: "anomaly",
      task: "anomaly",
      output: { name: "output", threshold: 10 },
      ...output,
    },
    thresholds: { kind: "aura.thresholds/1", threshold: 10, curve: CURVE },
  });
  const fixture = await startApiFixture({ champions: [row], objects });
  fixtures.push(fixture);
  await until(async () => (await fixture.request("/readyz")).ok);
  return fixture;
}

function post(fixture: ApiFixture, path: string, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fixture.request(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** The tiny graph answers 2 · voltage + current + 1: 16. */
async function ask(fixture: ApiFixture): Promise<PredictReply> {
  const reply = await post(fixture, "/predict", { rows: [{ voltage: 7, current: 1 }] });
  return (await reply.json()) as PredictReply;
}

it("decides by the new threshold, from a budget or a number, and tells who chose it", async () => {
  const fixture = await start();
  const [before] = (await ask(fixture)).predictions;
  expect(before).toMatchObject({ score: 16, decision: true });

  const asked = await post(fixture, PATH, { perAssetMonth: 2, reason: "two looks a month" });
  expect(asked.status).toBe(200);
  expect(await asked.json()).toMatchObject({
    threshold: 20,
    basis: { by: "budget", perAssetMonth: 2, outOfFold: CURVE[1] },
  });
  await until(async () => (await ask(fixture)).threshold === 20);
  expect((await ask(fixture)).predictions[0]).toMatchObject({ score: 16, decision: false });

  await post(fixture, PATH, { threshold: 12.5, reason: "missed one" });
  await until(async () => (await ask(fixture)).threshold === 12.5);
  expect((await ask(fixture)).predictions[0]?.decision).toBe(true);

  const { items } = (await (await fixture.request(PATH)).json()) as { items: { reason: string }[] };
  expect(items.map(({ reason }) => reason)).toEqual(["missed one", "two looks a month"]);
  expect(fixture.audit.filter(({ action }) => action === "model.threshold")).toHaveLength(2);
});

it.each([
  ["two choices", { threshold: 1, share: 0.1, reason: "both" }, 422],
  ["no choice", { reason: "none" }, 422],
  ["no reason", { threshold: 1 }, 422],
  ["a share of more than all", { share: 2, reason: "x" }, 422],
])("refuses %s", async (_name, body, status) => {
  const fixture = await start();
  expect((await post(fixture, PATH, body)).status).toBe(status);
  expect((await ask(fixture)).threshold).toBe(10);
});

it("refuses a version that does not decide, and leaves an audit row", async () => {
  const output = { name: "output", unit: "cycles" };
  const fixture = await start({ problem: "regression", task: "rul", output });
  const reply = await post(fixture, PATH, { threshold: 3, reason: "x" });
  expect(reply.status).toBe(409);
  expect(fixture.audit.at(-1)).toMatchObject({ action: "model.threshold", outcome: "refused" });
});

it.each([-0.1, 7])("refuses %f where answers are probabilities", async (threshold) => {
  const output = { name: "probability", unit: "1", threshold: 0.5 };
  const fixture = await start({ problem: "binary", task: "failure_within", output });
  const reply = await post(fixture, PATH, { threshold, reason: "x" });
  expect(reply.status).toBe(422);
  expect(await reply.text()).toContain("from 0 to 1");
});
