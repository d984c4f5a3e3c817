import { Command } from "commander";
import { afterEach, beforeEach, expect, it } from "vitest";
import { attachContext } from "../../context.ts";
import { startFakeApi } from "../../fake-api.ts";
import type { FakeApi } from "../../fake-api.ts";
import { Output } from "../../output.ts";
import { registerAssetsCommand } from "../record/assets.ts";
import { registerDeadLettersCommand } from "./dead-letters.ts";
import { registerReadingsCommand } from "./readings.ts";
import { registerUploadsCommand } from "./uploads.ts";

/** What lists of live things ask the API, and what they say of what they leave out. */

const AT = "2026-01-01T00:00:00.000Z";
const stale = (i: number) => ({ asset: `p${i}`, source: "pumps", since: AT, reason: "last will" });
const asset = (i: number) => ({
  asset: `p${i}`,
  site: null,
  customer: null,
  assetClass: null,
  firstSeen: AT,
});
const upload = {
  id: "u1",
  source: "pumps",
  fileName: "june.csv",
  state: "done",
  expiresAt: AT,
  createdBy: "ann",
  createdAt: AT,
  bytes: 40,
  rows: 3,
  counts: { received: 3, stored: 2, quarantined: 1 },
  message: null,
  endedAt: AT,
};
const point = { time: AT, n: 3, mean: 1.23456789, min: 1, max: 2 };
const many = <T>(path: string, of: (i: number) => T) => ({
  body: {
    items: Array.from({ length: Number(new URL(path, "http://x").searchParams.get("limit")) }, (_, i) =>
      of(i),
    ),
  },
});

let api: FakeApi;
let out = "";
let notes = "";
beforeEach(async () => {
  [out, notes] = ["", ""];
  api = await startFakeApi({
    "GET /v1/assets": ({ path }) => many(path, asset),
    "GET /v1/stale-assets": ({ path }) => many(path, stale),
    "GET /v1/readings/trend": () => ({ body: { items: [point] } }),
    "GET /v1/readings/uploads": () => ({ body: { items: [upload] } }),
    "GET /v1/readings/uploads/u1": () => ({ body: upload }),
    "PUT /v1/dead-letters/17": () => ({
      body: { replayed: 1, duplicate: 0, refused: [], nRefused: 0, next: null },
    }),
  });
});
afterEach(() => api.close());

async function aura(...words: string[]): Promise<void> {
  const program = new Command().exitOverride();
  for (const register of [
    registerAssetsCommand,
    registerReadingsCommand,
    registerUploadsCommand,
    registerDeadLettersCommand,
  ])
    register(program);
  attachContext(program, {
    environment: { AURA_API_URL: api.url },
    cwd: "/",
    isInteractive: false,
    output: new Output({
      stdout: { write: (text: string) => void (out += text) },
      stderr: { write: (text: string) => void (notes += text) },
      environment: {},
    }),
    exitWith: () => undefined,
  });
  await program.parseAsync(words, { from: "user" });
}

it.each([
  [["assets", "--limit", "3"], "/v1/assets?limit=4"],
  [["assets", "stale", "--limit", "3"], "/v1/stale-assets?limit=4"],
  [["assets", "stale", "--source", "pumps", "--limit", "3"], "/v1/stale-assets?source=pumps&limit=4"],
])("%j shows as many as were asked for, and says that there are more", async (words, path) => {
  await aura(...words);
  expect(api.requests.map((request) => request.path)).toEqual([path]);
  expect(out.trimEnd().split("\n")).toHaveLength(1 + 3);
  expect(notes).toBe("3 of more: --limit <n> shows up to 1000\n");
});

it("says of the most that one request gives that there may be more", async () => {
  await aura("assets", "--limit", "1000", "--json");
  expect(JSON.parse(out)).toHaveLength(1_000);
  expect(notes).toContain("there may be more");
});

it("shows a trend, and files of readings with what became of them", async () => {
  await aura("readings", "trend", "--asset", "p1", "--column", "pressure", "--step", "1h");
  expect(api.requests[0]?.path).toMatch(/trend\?since=.*&step=1h&asset=p1&column=pressure$/);
  expect(out).toContain("1.23457");
  await aura("uploads", "list");
  expect(out).toMatch(/u1 +pumps +june\.csv +done +3 +2 /);
  await aura("uploads", "show", "u1");
  expect(out).toContain("of its readings 3 received, 2 stored, 1 quarantined");
  expect(notes).toBe("");
});

it("mends a letter by a column's right name", async () => {
  await aura("deadletters", "fix", "17", "--rename", "Sped=speed", "--rename", "a=b=c");
  expect(JSON.parse(api.requests[0]?.body ?? "")).toEqual({ renamed: { Sped: "speed", "a=b": "c" } });
  await expect(aura("deadletters", "fix", "17")).rejects.toThrow("say what is mended");
});
