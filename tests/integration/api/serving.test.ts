import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { makeVector, tableFromIPC, Table, tableToIPC, Utf8, vectorFromArray } from "apache-arrow";
import { afterEach, describe, expect, test } from "vitest";
import type { PredictReply } from "../../../schemas/serving/prediction.ts";
import { startApiFixture, until } from "../../support/api-fixture.ts";
import type { ApiFixture, FixtureOptions } from "../../support/api-fixture.ts";
import { MemoryObjects } from "../../support/memory-objects.ts";
import { putTinyVersion } from "../../support/served-versions.ts";
import type { TinyVersionOptions } from "../../support/served-versions.ts";

const fixtures: ApiFixture[] = [];

async function start(version: TinyVersionOptions = {}, options: FixtureOptions = {}): Promise<ApiFixture> {
  const objects = options.objects ?? new MemoryObjects();
  const row = await putTinyVersion(objects, version);
  const fixture = await startApiFixture({ champions: [row], ...options, objects });
  fixtures.push(fixture);
  await until(async () => (await fixture.request("/readyz")).ok);
  return fixture;
}

afterEach(async () => {
  await Promise.all(fixtures.splice(0).map((fixture) => fixture.close()));
});

function post(fixture: ApiFixture, path: string, body: unknown, headers: Record<string, string> = {}) {
  return fixture.request(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

async function predict(fixture: ApiFixture, body: unknown): Promise<PredictReply> {
  const response = await post(fixture, "/predict", body);
  expect(response.status).toBe(200);
  return (await response.json()) as PredictReply;
}

const ROW = { voltage: 10, current: 0.5 };

const MISFITS: readonly [string, unknown, number, string, string | undefined][] = [
  ["a missing field", { rows: [{ voltage: 1 }] }, 422, "invalid_signature_input", "rows.0.current"],
  [
    "text for a number",
    { rows: [{ ...ROW, voltage: "12" }] },
    422,
    "invalid_signature_input",
    "rows.0.voltage",
  ],
  [
    "null where it is not nullable",
    { rows: [{ ...ROW, voltage: null }] },
    422,
    "invalid_signature_input",
    "rows.0.voltage",
  ],
  [
    "an array for a number",
    { rows: [{ ...ROW, voltage: [] }] },
    422,
    "invalid_signature_input",
    "rows.0.voltage",
  ],
  ["no rows", { rows: [] }, 422, "invalid_body", "rows"],
  ["an unknown member", { rows: [ROW], key: "secret" }, 422, "invalid_body", "key"],
  ["an unknown model", { model: "other", rows: [ROW] }, 404, "not_found", undefined],
  ["a path as model", { model: "../pump", rows: [ROW] }, 422, "invalid_name", "(body)"],
  [
    "a missing column",
    { asset: "a", readings: [{ t: 1, voltage: 1 }] },
    422,
    "invalid_signature_input",
    "readings.0.current",
  ],
  [
    "a time going back",
    {
      asset: "a",
      readings: [
        { t: 2, ...ROW },
        { t: 1, ...ROW },
      ],
    },
    422,
    "invalid_signature_input",
    "readings.1.t",
  ],
];

describe("/predict", () => {
  test("answers with value, identity of the version, and a trace that reaches index and objects", async () => {
    const fixture = await start();
    const reply = await predict(fixture, {
      rows: [ROW, { ...ROW, voltage: 1, ignored: "x" }],
      assets: ["Trafo Ø", "b"],
    });
    expect(reply).toMatchObject({ model: "pump", version: 1, traced: true, unit: "cycles" });
    expect(reply.predictions.map((p) => p.value)).toEqual([21.5, 3.5]);
    const [first] = reply.predictions;
    await until(() => fixture.indexed.size === 2);
    expect(fixture.indexed.get(first?.predictionId ?? "")).toMatchObject({
      asset: "Trafo Ø",
      digest: reply.digest,
      value: 21.5,
      actor: "local",
      offset: 0,
    });
    await fixture.close(true);
    const [key] = [...fixture.objects.objects.keys()].filter((k) => k.startsWith("logs/predictions/pump/"));
    const rows = tableFromIPC(fixture.objects.objects.get(key ?? "") ?? new Uint8Array()).toArray();
    expect(rows.map((r) => [...r.features])).toEqual([
      [10, 0.5],
      [1, 0.5],
    ]);
  });

  test("computes features from an asset's readings", async () => {
    const fixture = await start();
    const readings = [1, 2, 3].map((t) => ({ t, voltage: t * 10, current: 0.5 }));
    const reply = await predict(fixture, { asset: "unit-7", readings });
    expect(reply.predictions).toMatchObject([{ asset: "unit-7", value: 61.5, at: 3 }]);
  });

  test("reads Arrow batches and answers as for JSON", async () => {
    const fixture = await start();
    const voltage = Float64Array.from({ length: 3_000 }, (_, i) => i);
    const table = new Table({ voltage: makeVector(voltage), current: makeVector(new Float64Array(3_000)) });
    const response = await fixture.request("/v1/models/pump/predict", {
      method: "POST",
      headers: { "content-type": "application/vnd.apache.arrow.stream" },
      body: tableToIPC(table, "stream"),
    });
    const { predictions } = (await response.json()) as PredictReply;
    expect(predictions.map((p) => p.value)).toEqual(Array.from(voltage, (v) => 2 * v + 1));
  });

  test.each([
    ["text", ["unit-1", null], 200],
    ["NUL", ["unit-1", "a\0b"], 422],
    ["nothing in it", ["", "b"], 422],
    ["more than 128 bytes", ["ö".repeat(65), "b"], 422],
  ])("asset ids of an Arrow batch: %s", async (_name, ids, status) => {
    const fixture = await start();
    const [voltage, current] = [makeVector(new Float64Array(2)), makeVector(new Float64Array(2))];
    const assets = vectorFromArray(ids, new Utf8());
    const response = await fixture.request("/predict", {
      method: "POST",
      headers: { "content-type": "application/vnd.apache.arrow.stream" },
      body: tableToIPC(new Table({ voltage, current, __asset: assets }), "stream"),
    });
    expect(response.status).toBe(status);
    if (status === 200) return;
    expect(await response.json()).toMatchObject({
      errors: [{ field: expect.stringMatching(/^rows\.\d\.__asset$/) }],
    });
  });

  test("refuses what does not fit the signature, naming the field", async () => {
    const fixture = await start();
    for (const [name, body, status, code, field] of MISFITS) {
      const response = await post(fixture, "/predict", body);
      const problem = (await response.json()) as { code: string; errors?: { field: string }[] };
      const found = { name, status: response.status, code: problem.code, field: problem.errors?.[0]?.field };
      expect(found).toEqual({ name, status, code, field });
    }
  });

  test("tells a model without champion from one that nobody registered, where the database answers", async () => {
    const fixture = await start();
    const ask = async (model: string): Promise<[number, string]> => {
      const response = await post(fixture, `/v1/models/${model}/predict`, { rows: [ROW] });
      return [response.status, ((await response.json()) as { code: string }).code];
    };
    fixture.setDatabaseDown(true);
    expect(await ask("nobody")).toEqual([409, "no_champion"]);
    fixture.setDatabaseDown(false);
    fixture.champions.set("fan", await putTinyVersion(fixture.objects, { model: "fan" }));
    expect(await ask("nobody")).toEqual([404, "not_found"]);
    expect(await ask("fan")).toEqual([409, "no_champion"]);
  });

  test("goes on while database, Temporal and object store are away; readiness says so within 2 s", async () => {
    const fixture = await start();
    fixture.setDatabaseDown(true);
    fixture.setTemporalDown(true);
    fixture.objects.isDown = true;
    const began = Date.now();
    await until(async () => !(await fixture.request("/readyz")).ok);
    expect(Date.now() - began).toBeLessThan(2_000);
    expect(await predict(fixture, { rows: [ROW] })).toMatchObject({ traced: true });
    expect((await post(fixture, "/v1/runs", { pipeline: "x", files: [] })).status).toBeGreaterThan(399);
    fixture.setDatabaseDown(false);
    fixture.setTemporalDown(false);
    fixture.objects.isDown = false;
    await until(async () => (await fixture.request("/readyz")).ok);
    await until(() => fixture.indexed.size === 1);
  });

  test("starts with the database away from the champions it served last, and ships what the last process left", async () => {
    const objects = new MemoryObjects();
    const first = await start({}, { objects });
    const { predictions } = await predict(first, { rows: [ROW] });
    first.setDatabaseDown(true);
    await first.close(true);
    fixtures.splice(0);
    expect((await readdir(join(first.stateDir, "api/spool/pump"))).length).toBe(1);
    const second = await startApiFixture({ objects, stateDir: first.stateDir, isDatabaseDown: true });
    fixtures.push(second);
    await until(async () => (await post(second, "/predict", { rows: [ROW] })).ok);
    second.setDatabaseDown(false);
    await until(() => second.indexed.has(predictions[0]?.predictionId ?? ""));
    expect(second.indexed.get(predictions[0]?.predictionId ?? "")).toMatchObject({
      value: 21.5,
      model: "pump",
    });
  });

  test("20 promotions under load: no failed request, every answer whole and of one version", async () => {
    const fixture = await start({ slope: 2 });
    let isDone = false;
    let answered = 0;
    const versions = new Set<number>();
    const client = async (): Promise<void> => {
      while (!isDone) {
        const { predictions, version } = await predict(fixture, { rows: [ROW, ROW] });
        expect(predictions.map((p) => p.value)).toEqual(Array(2).fill((version + 1) * 10 + 1.5));
        versions.add(version);
        answered++;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const clients = [client(), client()];
    for (let version = 2; version <= 21; version++) {
      fixture.champions.set("pump", await putTinyVersion(fixture.objects, { version, slope: version + 1 }));
      fixture.notifyAlias("pump");
      await until(() => versions.has(version));
    }
    isDone = true;
    await Promise.all(clients);
    expect(answered).toBeGreaterThan(50);
  }, 60_000);

  test("a version that fails its checks, or whose bytes changed, is never served; the old one goes on", async () => {
    const fixture = await start();
    fixture.champions.set(
      "pump",
      await putTinyVersion(fixture.objects, { version: 2, slope: 9, isBroken: true }),
    );
    fixture.notifyAlias("pump");
    await until(async () =>
      (await (await fixture.request("/metrics")).text()).includes('code="model_refused"} 1'),
    );
    const changed = await putTinyVersion(fixture.objects, { version: 3, slope: 5 });
    const bytes = fixture.objects.objects.get(changed.manifest.files["onnx"]?.key ?? "");
    bytes?.fill(7, 40, 41);
    fixture.champions.set("pump", changed);
    fixture.notifyAlias("pump");
    await until(async () =>
      (await (await fixture.request("/metrics")).text()).includes('code="integrity"} 1'),
    );
    expect(await predict(fixture, { rows: [ROW] })).toMatchObject({ version: 1 });
    expect(fixture.log.filter((line) => line.includes("champion refused")).length).toBe(2);
  });
});

describe("Open Inference Protocol", () => {
  test("metadata, readiness and inference", async () => {
    const fixture = await start();
    expect(await (await fixture.request("/v2/models/pump")).json()).toMatchObject({
      name: "pump",
      versions: ["1"],
      platform: "onnx",
      inputs: [{ name: "features", datatype: "FP64", shape: [-1, 2] }],
    });
    expect((await fixture.request("/v2/models/pump/versions/1/ready")).status).toBe(200);
    const inputs = [{ name: "features", shape: [2, 2], datatype: "FP64", data: [10, 0.5, 1, 0.5] }];
    const reply = await post(fixture, "/v2/models/pump/infer", { id: "a", inputs });
    expect(await reply.json()).toMatchObject({
      model_name: "pump",
      model_version: "1",
      id: "a",
      outputs: [{ name: "output", datatype: "FP64", shape: [2, 1], data: [21.5, 3.5] }],
    });
    const refused = await post(fixture, "/v2/models/pump/infer", {
      inputs: [{ name: "features", shape: [1, 3], datatype: "FP64", data: [1, 2, 3] }],
    });
    expect([refused.status, Object.keys((await refused.json()) as object)]).toEqual([422, ["error"]]);
    expect((await fixture.request("/v2/models/other")).status).toBe(404);
    expect((await fixture.request("/v2/models/pump/versions/2/ready")).status).toBe(404);
  });
});
