import { Connection } from "@temporalio/client";
import pg from "pg";
import { expect, it } from "vitest";
import { createTestDatabase, describeWithServices } from "./platform.ts";

await describeWithServices("services of the run", (services) => {
  it("gives each test file an empty database of its own", async () => {
    const [one, other] = await Promise.all([createTestDatabase("probe"), createTestDatabase("probe")]);
    expect(one.url).not.toBe(other.url);
    const client = new pg.Client({ connectionString: one.url });
    await client.connect();
    const { rows } = await client.query(
      "SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = 'public'",
    );
    await client.end();
    expect(rows).toEqual([{ n: 0 }]);
    await Promise.all([one.drop(), other.drop()]);
  });

  it("reaches Temporal with AURA's search attributes", async () => {
    const connection = await Connection.connect({ address: services.temporalAddress });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: "default",
    });
    expect(Object.keys(customAttributes ?? {})).toContain("AuraStage");
    await connection.close();
  });
});
