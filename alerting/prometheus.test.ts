import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { prometheusAsker } from "./prometheus.ts";

/** Answers as Prometheus' documentation has them. */
const asked: URL[] = [];
let answer: { status: number; body: unknown } = { status: 200, body: {} };
const server = createServer((request, response) => {
  asked.push(new URL(request.url ?? "", "http://prometheus"));
  response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
});
let url = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => void server.close());

it("reads each series of a range, without what is no number", async () => {
  const values = [
    [1_700_000_000, "0.5"],
    [1_700_000_030.5, "NaN"],
    [1_700_000_060, "0.7"],
  ];
  const metric = { __name__: "up", job: "api" };
  answer = {
    status: 200,
    body: {
      status: "success",
      data: {
        resultType: "matrix",
        result: [
          { metric, values },
          { metric: {}, values: [] },
        ],
      },
    },
  };
  const found = await prometheusAsker(url)("rate(x[5m])", Date.now() - 6 * 3_600_000);
  expect(found).toEqual([
    { asset: "prometheus", series: "up{job=api}", at: 1_700_000_060_000, values: [0.5, 0.7] },
  ]);
  expect(asked[0]?.pathname).toBe("/api/v1/query_range");
  expect(asked[0]?.searchParams.get("query")).toBe("rate(x[5m])");
  expect(Number(asked[0]?.searchParams.get("step"))).toBeGreaterThanOrEqual(30);
});

it.each([
  [503, {}],
  [200, { status: "error" }],
])("says that there is no usable answer [%s]", async (status, body) => {
  answer = { status, body };
  await expect(prometheusAsker(url)("up", 0)).rejects.toMatchObject({ code: "source_unavailable" });
});
