import { afterAll, beforeAll, expect, test } from "vitest";
import type { ServedInterval } from "../../../schemas/models/model-version.ts";
import { startApiFixture, until } from "../../support/api-fixture.ts";
import type { ApiFixture } from "../../support/api-fixture.ts";
import { MemoryObjects } from "../../support/memory-objects.ts";
import { putTinyVersion } from "../../support/served-versions.ts";

/** `POST …/predict?explain=n` against the API with real children and the real thread. */

let fixture: ApiFixture;
beforeAll(async () => {
  const objects = new MemoryObjects();
  const interval: ServedInterval = {
    level: 0.9,
    method: "normalised",
    knots: [0, 100],
    below: [1, 11],
    above: [2, 12],
    min: 0,
    max: 125,
  };
  const champions = [
    await putTinyVersion(objects, {
      signature: {
        inputs: [
          { name: "voltage", kind: "number", unit: "V", nullable: true },
          { name: "current", kind: "number", unit: "A", nullable: true },
        ],
        output: { name: "output", unit: "cycles", interval },
      },
    }),
    await putTinyVersion(objects, { model: "elsewhere", hasExplanation: false }),
  ];
  fixture = await startApiFixture({ objects, champions });
  await until(async () => (await fixture.request("/readyz")).ok);
});
afterAll(() => fixture.close());

const post = async (path: string, rows: readonly object[]) => {
  const response = await fixture.request(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rows }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

test("answers come with their largest contributions, in names and units, that sum to the raw score", async () => {
  const { status, body } = await post("/v1/models/pump/predict?explain=1", [
    { voltage: 10, current: 0.5 },
    { voltage: 1, current: -4 },
  ]);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    predictions: [
      {
        value: 21.5,
        interval: { low: expect.closeTo(21.5 - 3.15, 9), high: expect.closeTo(21.5 + 4.15, 9), level: 0.9 },
        explanation: {
          unit: "cycles",
          before: ["cap"],
          expected: 1,
          rawScore: 21.5,
          contributions: [{ feature: "voltage", value: 10, unit: "V", contribution: 20 }],
          others: 0.5,
        },
      },
      { explanation: { contributions: [{ feature: "current", value: -4, unit: "A", contribution: -4 }] } },
    ],
  });
});

test("an answer that is not asked to be explained is not", async () => {
  const { body } = await post("/v1/models/pump/predict", [{ voltage: 10, current: 0.5 }]);
  expect(JSON.stringify(body)).not.toContain("explanation");
});

test.each([
  ["?explain=0", 422, "invalid_query"],
  ["?explain=101", 422, "invalid_query"],
  ["?explain=2.5", 422, "invalid_query"],
  ["?explain=", 422, "invalid_query"],
  ["?explain=five", 422, "invalid_query"],
  ["?explain=1&explain=2", 422, "invalid_query"],
  ["?explains=1", 422, "invalid_query"],
])("%s is refused", async (query, status, code) => {
  const reply = await post(`/v1/models/pump/predict${query}`, [{ voltage: 10, current: 0.5 }]);
  expect([reply.status, reply.body["code"]]).toEqual([status, code]);
});

test("more rows than can be explained at once are refused", async () => {
  const rows = Array.from({ length: 101 }, () => ({ voltage: 1, current: 1 }));
  const { status, body } = await post("/v1/models/pump/predict?explain=1", rows);
  expect([status, body["code"]]).toEqual([422, "invalid_query"]);
});

test("a version without an explanation file answers, and says so when it is asked to explain", async () => {
  const rows = [{ voltage: 1, current: 1 }];
  expect((await post("/v1/models/elsewhere/predict", rows)).status).toBe(200);
  const { status, body } = await post("/v1/models/elsewhere/predict?explain=3", rows);
  expect([status, body["code"]]).toEqual([409, "not_explainable"]);
});

test("the Open Inference Protocol gives the ends of the interval as tensors", async () => {
  const response = await fixture.request("/v2/models/pump/infer", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      inputs: [{ name: "features", shape: [1, 2], datatype: "FP64", data: [[200, 0]] }],
    }),
  });
  const { outputs } = (await response.json()) as { outputs: { name: string; data: number[] }[] };
  expect(outputs.map(({ name }) => name)).toEqual(["output", "interval_low", "interval_high"]);
  // Beyond the range of answers: an interval holds its own answer, and ends there.
  expect(outputs.map(({ data }) => data[0])).toEqual([401, 390, 401]);
});
