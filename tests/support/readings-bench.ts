import { expect } from "vitest";
import type { IntakeReply } from "../../schemas/live/intake.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database } from "../../stores/postgres/port.ts";
import { startApiFixture } from "./api-fixture.ts";
import type { ApiFixture } from "./api-fixture.ts";
import { createTestDatabase } from "./platform.ts";

/** A live source as tests declare it; `startReadingsBench` has declared it. */
export const PUMPS = {
  name: "pumps",
  owner: "reliability",
  columns: [
    { name: "pressure", unit: "bar", range: [0, 50] },
    { name: "speed", type: "integer", unit: "rpm" },
    { name: "mode", type: "text", values: ["idle", "run"] },
    { name: "is_open", type: "boolean" },
  ],
};

/** The API over a database of its own. */
export interface ReadingsBench {
  readonly db: Database;
  readonly fixture: ApiFixture;
  close(): Promise<void>;
}

export async function startReadingsBench(name: string): Promise<ReadingsBench> {
  const test = await createTestDatabase(name);
  const db = await createDatabase(test.url);
  const fixture = await startApiFixture({ database: db });
  expect((await readingsClient(() => fixture).put(PUMPS)).status).toBe(200);
  return {
    db,
    fixture,
    async close() {
      await fixture.close();
      await test.drop();
    },
  };
}

/** What tests ask of the API; the fixture may be there only later. */
export function readingsClient(fixture: () => ApiFixture) {
  const call = (method: string, path: string, body?: unknown) =>
    fixture().request(path, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
  const post = (body: string | Uint8Array, headers: Record<string, string> = {}, query = "") =>
    fixture().request(`/readings${query}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: body as string,
    });
  return {
    call,
    post,
    put: (document: { readonly name: string; readonly [key: string]: unknown }) =>
      call("PUT", `/v1/sources/${document.name}`, document),
    send: async (readings: readonly unknown[], source = "pumps"): Promise<IntakeReply> => {
      const response = await post(JSON.stringify({ source, readings }));
      expect(response.status).toBe(200);
      return (await response.json()) as IntakeReply;
    },
    page: async (query: string) => {
      const response = await fixture().request(`/readings?${query}`);
      expect(response.status).toBe(200);
      return (await response.json()) as { items: Record<string, unknown>[]; next: string | null };
    },
  };
}

/** Seconds around the end of a month. */
export const at = (second: number): string =>
  new Date(Date.UTC(2026, 0, 31, 23, 59, 50) + second * 1_000).toISOString();

export const reading = (asset: string, second: number, values: Record<string, unknown>) => ({
  asset,
  time: at(second),
  values,
});
