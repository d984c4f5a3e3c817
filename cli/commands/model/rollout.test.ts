import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, expect, it } from "vitest";
import { attachContext } from "../../context.ts";
import { problem, startFakeApi } from "../../fake-api.ts";
import type { FakeApi, FakeRoutes } from "../../fake-api.ts";
import { Output } from "../../output.ts";
import { registerRollbackCommand } from "./rollback.ts";
import { registerRolloutCommand } from "./rollout.ts";

const AT = "2026-01-01T00:00:00.000Z";
const side = { requests: 40, rows: 40, failed: 1, errors: { overloaded: 1 } };
const rollout = {
  id: "pump.2.r1",
  model: "pump",
  version: 2,
  championVersion: 1,
  state: "running",
  stage: 1,
  mode: "canary",
  share: 5,
  bakeUntil: AT,
  guard: null as string | null,
  reason: null as string | null,
  startedAt: AT,
  endedAt: null as string | null,
  plan: {
    stages: [
      { mode: "shadow", share: 0 },
      { mode: "canary", share: 5 },
    ],
  },
  events: [{ kind: "opened", share: 0, at: AT, actor: "aura", reason: "" }],
  counted: { candidate: side, champion: side, pairs: 39, different: 2, dropped: 0, incomparable: 0 },
};
const over = (state: string) => ({ ...rollout, state, bakeUntil: null, endedAt: AT });

let api: FakeApi | undefined;
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aura-rollout-"));
});
afterEach(async () => {
  await api?.close();
  rmSync(folder, { recursive: true });
});

/** @returns what the command printed, and what it ended with */
async function run(routes: FakeRoutes, ...words: readonly string[]) {
  api = await startFakeApi(routes);
  let shown = "";
  let code = 0;
  const stream = { write: (text: string) => void (shown += text) };
  const output = new Output({ stdout: stream, stderr: { write: () => undefined }, environment: {} });
  const program = new Command("aura").exitOverride();
  attachContext(program, {
    output,
    cwd: folder,
    isInteractive: false,
    environment: { AURA_API_URL: api.url },
    exitWith: (given) => void (code = given),
  });
  registerRolloutCommand(program);
  registerRollbackCommand(program);
  await program.parseAsync(["node", "aura", ...words]);
  return { shown, code };
}

it("shows where a rollout stands, and what its stage has counted", async () => {
  const { shown, code } = await run(
    { "GET /v1/models/pump/rollout": () => ({ body: rollout }) },
    "rollout",
    "status",
    "pump",
  );
  expect(code).toBe(0);
  expect(shown).toContain("running  pump@2 beside champion @1");
  expect(shown).toContain("shadow → [5 %] → champion");
  expect(shown).toMatch(/new @2\s+40\s+40\s+1/);
  expect(shown).toContain("39 rows compared, 2 answered differently");
});

it.each([
  ["promoted", 0],
  ["rolled_back", 3],
  ["aborted", 4],
])("waits until it is %s, and ends with %i", async (state, expected) => {
  const routes = {
    "GET /v1/models/pump/rollout": () => ({ body: rollout }),
    "GET /v1/rollouts/pump.2.r1": (_: unknown, n: number) => ({ body: n === 0 ? rollout : over(state) }),
  };
  const { code } = await run(routes, "rollout", "wait", "pump");
  expect(code).toBe(expected);
});

it("ends with 5 where it still goes on at the timeout", async () => {
  const routes = {
    "GET /v1/models/pump/rollout": () => ({ body: rollout }),
    "GET /v1/rollouts/pump.2.r1": () => ({ body: rollout }),
  };
  expect((await run(routes, "rollout", "wait", "pump", "--timeout", "50ms")).code).toBe(5);
});

it("waits for the rollout of a version to begin", async () => {
  const routes = {
    "GET /v1/models/pump/rollout": (_: unknown, n: number) =>
      n === 0 ? problem("not_found", 404) : { body: over("promoted") },
  };
  expect((await run(routes, "rollout", "wait", "pump", "2")).code).toBe(0);
});

it.each([
  [["start", "pump", "2"], { version: 2, reason: "it is time", by: "ada" }],
  [["pause", "pump"], { reason: "it is time", by: "ada" }],
  [["continue", "pump"], { reason: "it is time", by: "ada" }],
  [["abort", "pump"], { reason: "it is time", by: "ada" }],
])("says who does it: %j", async (words, body) => {
  const [action = ""] = words;
  const routes = {
    "GET /v1/models/pump/rollout": () => ({ body: rollout }),
    "GET /v1/rollouts/pump.2.r1": () => ({ body: rollout }),
    "POST /v1/models/pump/rollouts": () => ({ body: { rolloutId: "pump.2.r1" } }),
    [`POST /v1/rollouts/pump.2.r1/${action}`]: () => ({ body: rollout }),
  };
  await run(routes, "rollout", ...words, "--as", "ada", "--reason", "it is time");
  const sent = api?.requests.find(({ method }) => method === "POST");
  expect(JSON.parse(sent?.body ?? "")).toEqual(body);
});

it("breaks the glass from the champion that it has seen, and says who has to look", async () => {
  const done = {
    reviewId: "review.pump.1",
    reviewUntil: AT,
    version: 1,
    digest: "d".repeat(64),
    previousVersion: 2,
    abortedRollout: null,
  };
  const { shown } = await run(
    {
      "GET /v1/models/pump/champion": () => ({ body: { version: 2 } }),
      "POST /v1/models/pump/break-glass": () => ({ body: done }),
    },
    "rollback",
    "pump",
    "--break-glass",
    "--as",
    "olga",
    "--reason",
    "smoke",
  );
  expect(JSON.parse(api?.requests.at(-1)?.body ?? "")).toEqual({ reason: "smoke", from: 2, by: "olga" });
  expect(shown).toContain("pump@1 is the champion");
  expect(shown).toContain("aura approvals approve review.pump.1");
});
