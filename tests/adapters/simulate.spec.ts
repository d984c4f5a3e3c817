import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database } from "../../stores/postgres/port.ts";
import { startApiFixture } from "../support/api-fixture.ts";
import type { ApiFixture } from "../support/api-fixture.ts";
import { createCli } from "../support/cli.ts";
import { createTestDatabase, describeWithServices } from "../support/platform.ts";
import type { TestDatabase } from "../support/platform.ts";

await describeWithServices("aura simulate --source", () => {
  let test: TestDatabase;
  let db: Database;
  let fixture: ApiFixture;
  let folder: string;
  beforeAll(async () => {
    test = await createTestDatabase("simulate");
    db = await createDatabase(test.url);
    fixture = await startApiFixture({ database: db });
    folder = await mkdtemp(join(tmpdir(), "aura-simulate-"));
  });
  afterAll(async () => {
    await fixture.close();
    await test.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const aura = (...args: string[]) =>
    createCli({
      cwd: folder,
      env: {
        PATH: process.env["PATH"] ?? "",
        AURA_API_URL: fixture.api.url,
        AURA_STATE_DIR: join(folder, ".aura"),
      },
    })("simulate", "--source", "fleet", "--json", ...args);

  it("declares the source, sends what is due, in real time and faster, and nothing is set aside", async () => {
    const live = await aura("--assets", "20", "--rate", "200", "--duration", "3s");
    expect(live, live.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(live.stdout)).toMatchObject({ source: "fleet", sent: 600, stored: 600 });
    const fast = await aura(
      "--assets",
      "10",
      "--rate",
      "500",
      "--speed",
      "3600",
      "--duration",
      "2s",
      "--seed",
      "8",
    );
    const { sent, stored } = JSON.parse(fast.stdout) as { sent: number; stored: number };
    expect(sent).toBeGreaterThan(900);
    expect(stored).toBe(sent);
    const [counts] = await db.readings.counts({ source: "fleet", since: "2026-01-01T00:00:00Z" });
    expect(counts).toMatchObject({ received: 600 + sent, quarantined: 0, rejected: 0 });
  });

  it("sends nothing to a source with other columns", async () => {
    const document = { name: "real", owner: "tests", columns: [{ name: "pressure" }] };
    const headers = { "content-type": "application/json" };
    const put = { method: "PUT", headers, body: JSON.stringify(document) };
    expect((await fixture.request("/v1/sources/real", put)).status).toBe(200);
    const refused = await aura("--source", "real", "--duration", "1s");
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("it has no column")]);
    expect(await db.readings.counts({ source: "real", since: "2026-01-01T00:00:00Z" })).toEqual([]);
  });

  it.each([[["--rate", "fast"]], [["--duration", "soon"]], [["--out", "x"]], [["--assets", "0"]]])(
    "refuses %j",
    async (args) => expect((await aura(...args)).code).toBe(2),
  );
});
