import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkedAddresses, post, reachFault } from "./guarded-connection.ts";

const NOTHING = { allowLoopback: false, hosts: [] };
const LOOPBACK = { allowLoopback: true, hosts: [] };

describe("what may be reached", () => {
  it.each([
    ["https://hooks.example.org/x", NOTHING, false],
    ["http://10.0.0.1/x", NOTHING, true],
    ["http://169.254.169.254/latest", LOOPBACK, true],
    ["http://[::ffff:127.0.0.1]/x", NOTHING, true],
    ["http://2130706433/", NOTHING, true],
    ["file:///etc/passwd", NOTHING, true],
    ["http://alertmanager:9093", { ...NOTHING, hosts: ["alertmanager:9093"] }, false],
    ["http://AlertManager:9093", { ...NOTHING, hosts: ["alertmanager:9093"] }, false],
    ["http://10.0.0.1:9094", { ...NOTHING, hosts: ["10.0.0.1:9093"] }, true],
    ["http://10.0.0.1", { ...NOTHING, hosts: ["10.0.0.1:80"] }, false],
  ])("%s", (url, policy, isRefused) => {
    expect(reachFault(url, policy) !== undefined).toBe(isRefused);
  });
});

describe("a post", () => {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    const status = Number(/\d+/.exec(request.url ?? "")?.[0] ?? 200);
    response.writeHead(status, { location: "/next" }).end();
  });
  let url = "";
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ({ port } = server.address() as AddressInfo);
    url = `http://127.0.0.1:${port}`;
  });
  afterAll(() => void server.close());
  const send = (path: string, policy = LOOPBACK) =>
    post({ url: `${url}${path}`, headers: {}, body: "{}" }, policy);

  it.each([
    [204, "delivered"],
    [302, "refused"],
    [400, "refused"],
    [429, "unavailable"],
    [503, "unavailable"],
  ])("answered %s is %s", async (status, outcome) => {
    expect(await send(`/${status}`)).toMatchObject({ outcome, status });
    expect(paths).not.toContain("/next");
  });

  it("does not connect where a name stands for what is forbidden", async () => {
    const before = paths.length;
    const attempt = await post(
      { url: `http://localtest.localhost:${port}/`, headers: {}, body: "" },
      NOTHING,
    );
    expect(attempt).toMatchObject({ outcome: "refused" });
    expect(await send("/200", NOTHING)).toMatchObject({ outcome: "refused", status: null });
    expect(paths).toHaveLength(before);
  });

  it("resolves a name itself, and refuses it for any address that is forbidden", async () => {
    await expect(checkedAddresses("localhost", NOTHING)).rejects.toThrow("must not reach");
    const [first] = await checkedAddresses("localhost", LOOPBACK);
    expect(["127.0.0.1", "::1"]).toContain(first?.address);
  });

  it("is told apart from nobody there", async () => {
    expect(await post({ url: "http://127.0.0.1:9/", headers: {}, body: "" }, LOOPBACK)).toEqual({
      outcome: "unavailable",
      status: null,
      reason: "it cannot be reached [ECONNREFUSED]",
    });
  });
});
