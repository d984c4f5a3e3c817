import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, expect, it } from "vitest";
import { attachContext } from "../../context.ts";
import { startFakeApi } from "../../fake-api.ts";
import type { FakeApi } from "../../fake-api.ts";
import { Output } from "../../output.ts";
import { registerApprovalsCommand } from "./approvals.ts";
import { registerDriftCommand } from "./drift.ts";
import { registerModelsCommand } from "./models.ts";

/** What lists show of what the API says. */

const AT = "2026-01-01T00:00:00.000Z";
const report = {
  id: "pump-0a1b",
  model: "pump",
  version: 1,
  digest: "d".repeat(64),
  windowStart: AT,
  windowEnd: AT,
  state: "drift",
  confirmed: true,
  rows: 12,
  report: {},
};
const check = { n: 12, effect: 0.3, psiCorrected: 0.1, p: 0.001, q: 0.01 };
const DETAIL = {
  reason: "Drift over 12 rows in s2 (range, effect 0.30).",
  features: [
    { ...check, name: "s1", state: "ok", check: "distribution" },
    { ...check, name: "s2", state: "drift", check: "range" },
  ],
  reconstruction: { check: "reconstruction", state: "ok", n: 12, effect: -0.2, p: 0.4, q: 0.5 },
};
const approval = {
  id: "pump.1.r1",
  kind: "promotion",
  subject: "pump@1",
  digest: "d".repeat(64),
  model: "pump",
  version: 1,
  workflowId: "approve/1",
  requestedBy: "ann",
  policy: { quorum: 1 },
  state: "waiting",
  deadline: AT,
  decisions: [],
};

const maintenance = {
  ...approval,
  id: "maintenance.pump.3f.1",
  kind: "maintenance",
  subject: "maintenance of p1 (pump@1)",
  recommendationId: "pump.3f.1",
};

let api: FakeApi;
let shown = "";
beforeEach(async () => {
  shown = "";
  api = await startFakeApi({
    "GET /v1/drift/pump": () => ({ body: { items: [report] } }),
    "GET /v1/drift/pump/report": () => ({ body: { ...report, report: DETAIL } }),
    "GET /v1/drift/pump/page": () => ({ body: "the page" }),
    "GET /v1/approvals": () => ({ body: { items: [approval, maintenance] } }),
    "GET /v1/models": ({ path }) => ({
      body: { items: path.endsWith("model=pump") ? [{ model: "pump", versions: 2, champion: 1 }] : [] },
    }),
  });
});
afterEach(() => api.close());

async function aura(...args: string[]): Promise<void> {
  const stream = { write: (text: string) => (shown += text) };
  const environment = { AURA_API_URL: api.url };
  const output = new Output({ stdout: stream, stderr: stream, environment });
  const program = new Command().exitOverride();
  attachContext(program, { output, environment, cwd: "/", isInteractive: false, exitWith: () => undefined });
  registerApprovalsCommand(program);
  registerDriftCommand(program);
  registerModelsCommand(program);
  await program.parseAsync(["node", "aura", ...args]);
}

it("drift history has the ids that aura lineage drift takes", async () => {
  await aura("drift", "history", "pump");
  expect(shown).toMatch(/window end +version +state +confirmed +rows +id\n/);
  expect(shown).toMatch(/ drift +yes +12 +pump-0a1b\n/);
});

it("drift report has the checks that decide, the worst first, and its page goes to a file", async () => {
  await aura("drift", "report", "pump", "--id", "pump-0a1b");
  expect(shown).toMatch(/drift, confirmed +pump@1, 12 rows\n/);
  expect(shown).toMatch(/column +state +by +n +effect +psi +p +q\n/);
  expect(shown).toMatch(/\ns2 +drift +range +12 +0.3 +0.1 +0.001 +0.01\ns1 +ok/);
  expect(shown).toMatch(/\n\(all inputs\) +ok +reconstruction +12 +-0.2 +- +0.4 +0.5\n/);
  shown = "";
  const folder = mkdtempSync(join(tmpdir(), "aura-drift-page-"));
  await aura("drift", "report", "pump", "--out", join(folder, "drift.html"));
  expect(readFileSync(join(folder, "drift.html"), "utf8")).toContain("the page");
  rmSync(folder, { recursive: true });
});

it("approvals are listed without evidence, in JSON too", async () => {
  await aura("approvals", "list");
  expect(shown).toMatch(/pump\.1\.r1 +waiting +pump@1 +ann/);
  // The same case has another id among the recommendations.
  expect(shown).toMatch(/maintenance of p1 \(pump@1\), recommendation pump\.3f\.1 +ann/);
  shown = "";
  await aura("approvals", "list", "--json");
  expect(JSON.parse(shown)).toEqual([approval, maintenance]);
});

it("models are listed by name too, and one that is not there is said", async () => {
  await aura("models", "list", "pump");
  expect(shown).toMatch(/pump +2 +@1\n/);
  shown = "";
  await aura("models", "list", "pmup");
  expect(shown).toBe("there is no model pmup; aura models list names all\n");
});
