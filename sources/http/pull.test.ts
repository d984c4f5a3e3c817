import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pullUrl } from "./pull.ts";
import { addressFault, urlFault } from "./url-guard.ts";

const STRICT = { allowLoopback: false };

describe("urlFault", () => {
  it.each([
    "http://127.0.0.1/",
    "http://0/",
    "http://[::1]/",
    "http://[::ffff:7f00:1]/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://0177.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://[fd00::1]/",
    "http://[fe80::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://100.64.0.1/",
    "http://10.1.2.3/",
    "http://127。0。0。1/",
    "http://localhost:8080/",
    "http://db.internal/",
    "http://user@example.com/",
    String.raw`http://example.com\@127.0.0.1/`,
    "file:///etc/passwd",
    "gopher://example.com/",
    "http://example.com:22/",
    "http://example.com:5432/",
    "http://example.com:7233/",
  ])("refuses %s", (url) => expect(urlFault(url, STRICT)).toBeTypeOf("string"));

  it.each(["https://example.com/a.csv", "http://93.184.216.34:8080/x", "https://[2606:2800:220:1::1]/"])(
    "allows %s",
    (url) => expect(urlFault(url, STRICT)).toBeUndefined(),
  );

  it("judges resolved addresses alike", () => {
    expect(addressFault("::ffff:10.0.0.1", STRICT)).toBeTypeOf("string");
    expect(addressFault("127.0.0.1", { allowLoopback: true })).toBeUndefined();
    expect(addressFault("10.0.0.1", { allowLoopback: true })).toBeTypeOf("string");
  });
});

describe("pullUrl", () => {
  const dir = mkdtempSync(join(tmpdir(), "aura-pull-"));
  const path = join(dir, "body");
  let server: Server;
  let base: string;
  let nBusy = 0;
  const routes: Record<string, (q: IncomingMessage, r: ServerResponse) => void> = {
    "/ok": (_q, r) => r.end("a,b\n1,2\n"),
    "/busy": (_q, r) => r.writeHead(nBusy++ < 2 ? 503 : 200).end("ok"),
    "/down": (_q, r) => r.writeHead(500).end(),
    "/gone": (_q, r) => r.writeHead(404).end(),
    "/here": (_q, r) => r.writeHead(302, { location: "/ok" }).end(),
    "/there": (_q, r) => r.writeHead(302, { location: "http://example.com/" }).end(),
    "/loop": (_q, r) => r.writeHead(302, { location: "/loop" }).end(),
    "/big": (_q, r) => r.end("x".repeat(10_000)),
    "/cut": (_q, r) => {
      r.writeHead(200, { "content-length": "100" }).write("half");
      setTimeout(() => r.destroy(), 10);
    },
    "/silent": () => {},
    "/empty": (_q, r) => r.end(),
  };

  beforeAll(async () => {
    server = createServer((q, r) => routes[q.url ?? ""]?.(q, r));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true });
  });
  const pull = (route: string, more = {}): Promise<unknown> =>
    pullUrl(base + route, { path, name: "http/s", allowLoopback: true, pauseMs: 1, ...more });

  it.each(["/ok", "/here"])("stores the body of %s with its hash", async (route) => {
    expect(await pull(route)).toMatchObject({
      bytes: 8,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
    expect(readFileSync(path, "utf8")).toBe("a,b\n1,2\n");
  });

  it("tries again when the source is busy", async () => {
    await pull("/busy");
    expect(nBusy).toBe(3);
  });

  it.each([
    ["/down", {}, "source_unavailable"],
    ["/cut", {}, "source_unavailable"],
    ["/silent", { timeoutMs: 50 }, "source_unavailable"],
    ["/gone", {}, "bad_file"],
    ["/there", {}, "bad_file"],
    ["/loop", {}, "bad_file"],
    ["/big", { maxBytes: 1_000 }, "bad_file"],
    ["/empty", {}, "bad_file"],
    ["/ok", { allowLoopback: false }, "invalid_pipeline"],
  ])("%s %o fails with %s and leaves nothing", async (route, more, code) => {
    await expect(pull(route, more)).rejects.toMatchObject({ code });
    expect(existsSync(path)).toBe(false);
  });

  it("a name with a forbidden address is refused when it is resolved", async () => {
    const local = base.replace("127.0.0.1", "localhost.localdomain");
    await expect(
      pullUrl(`${local}/ok`, { path, name: "x", allowLoopback: false, attempts: 1 }),
    ).rejects.toThrow();
  });
});
