import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attachContext } from "../../context.ts";
import { problem, startFakeApi } from "../../fake-api.ts";
import type { FakeApi } from "../../fake-api.ts";
import { Output } from "../../output.ts";
import { registerSchedulesCommand } from "../record/schedules.ts";
import { registerGateCommand } from "./gate.ts";
import { registerRetrainCommand } from "./retrain.ts";

/** `aura gate`, `aura retrain` and `aura schedules`: what is asked, what is shown, what they end with. */

const AT = "2026-11-21T10:00:00.000Z";
const gates = (passed: boolean) => ({
  model: "pump",
  version: 3,
  digest: "d".repeat(64),
  stage: "candidate",
  passed,
  gates: [{ name: "rocAuc on test", passed, detail: "rocAuc on test is 0.8, must be >= 0.85" }],
});
const WINDOW = "2026-11-21T00:00:00.000Z";
const retrains = {
  items: [
    {
      model: "pump",
      window: WINDOW,
      workflowId: `retrain/pump/${WINDOW}`,
      trigger: "drift",
      reason: "temperature moved",
      requestedBy: "aura",
      askedAt: AT,
      state: "finished",
      outcome: "refused",
      runId: "01a1fd2a-0000",
      version: 4,
      message: "outside the change envelope",
      finishedAt: AT,
    },
  ],
  refused: [
    {
      model: "pump",
      trigger: "drift",
      code: "cool_down",
      message: "retrain of pump cools down",
      possibleAt: "2026-11-22T10:00:00.000Z",
      times: 49,
      firstAt: AT,
      lastAt: AT,
    },
  ],
};

let api: FakeApi;
let folder: string;
let shown = "";
let code: number | undefined;

beforeEach(async () => {
  shown = "";
  code = undefined;
  folder = mkdtempSync(join(tmpdir(), "aura-gate-"));
  api = await startFakeApi({
    "GET /v1/models/pump/champion": () => ({ body: { version: 2 } }),
    "GET /v1/models/pump/versions/2/gates": () => ({ body: gates(true) }),
    "GET /v1/models/pump/versions/3/gates": () => ({ body: gates(false) }),
    "GET /v1/models/pump/versions/9/gates": () => ({ body: { ...gates(false), gates: [] } }),
    "GET /v1/retrains": () => ({ body: retrains }),
    "POST /v1/retrains": (_request, n) =>
      n === 0
        ? { status: 202, body: { model: "pump", window: WINDOW, workflowId: `retrain/pump/${WINDOW}` } }
        : problem("retrain_refused", 409),
    "GET /v1/schedules": () => ({
      body: {
        items: [
          {
            id: "drift/pump",
            isPaused: false,
            note: null,
            everySeconds: 3600,
            nextAt: AT,
            lastAt: AT,
            last: "ok",
          },
          {
            id: "retrain/pump",
            isPaused: true,
            note: "by ann",
            everySeconds: null,
            nextAt: null,
            lastAt: null,
            last: null,
          },
        ],
      },
    }),
  });
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await api.close();
});

async function aura(...args: string[]): Promise<void> {
  const stream = { write: (text: string) => (shown += text) };
  const environment = { AURA_API_URL: api.url };
  const output = new Output({ stdout: stream, stderr: stream, environment });
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  const exitWith = (given: number) => void (code = given);
  attachContext(program, { output, environment, cwd: folder, isInteractive: false, exitWith });
  registerGateCommand(program);
  registerRetrainCommand(program);
  registerSchedulesCommand(program);
  await program.parseAsync(["node", "aura", ...args]);
}

describe("aura gate", () => {
  it("passes with the champion's gates where no version is named", async () => {
    await aura("gate", "pump");
    expect(code).toBeUndefined();
    expect(shown).toContain("passed: pump@3");
  });

  it("ends with 3 where a gate is missed, and writes JUnit beside one JSON document", async () => {
    await aura(
      "gate",
      "pump@3",
      "--metric",
      "auc",
      "--min",
      "0.85",
      "--on",
      "cv",
      "--junit",
      "out/gates.xml",
      "--json",
    );
    expect(code).toBe(3);
    expect(api.requests.at(-1)?.path).toBe("/v1/models/pump/versions/3/gates?metric=auc&min=0.85&on=cv");
    expect(JSON.parse(shown)).toMatchObject({ version: 3, passed: false });
    const xml = readFileSync(join(folder, "out/gates.xml"), "utf8");
    expect(xml).toContain('<testsuite name="pump@3" tests="1" failures="1"');
  });

  it("takes a version that was never checked for one that failed", async () => {
    await aura("gate", "pump@9", "--junit", "gates.xml");
    expect(code).toBe(3);
    expect(shown).toContain("no gate of this version was ever checked");
    expect(readFileSync(join(folder, "gates.xml"), "utf8")).toContain('failures="1"');
  });

  it.each([
    ["a metric without a bound", ["--metric", "auc"]],
    ["a bound without a metric", ["--min", "1"]],
  ])("refuses %s", async (_name, options) => {
    await expect(aura("gate", "pump@3", ...options)).rejects.toMatchObject({ code: "config_invalid" });
    expect(api.requests).toEqual([]);
  });

  it.each([["pump@x"], ["Pump"], ["pump@0"], ["../x@1"]])("refuses %s as a version", async (name) => {
    await expect(aura("gate", name)).rejects.toThrow("expected model");
  });

  it("refuses a bound that is no number", async () => {
    await expect(aura("gate", "pump", "--metric", "auc", "--min", "high")).rejects.toThrow(
      "expected a number",
    );
  });
});

describe("aura retrain", () => {
  it("asks for one with its reason, and says why none starts", async () => {
    await aura("retrain", "pump", "--reason", "new bearings", "--skip-cool-down", "--as", "ann");
    expect(JSON.parse(api.requests[0]?.body ?? "")).toEqual({
      model: "pump",
      reason: "new bearings",
      skipCoolDown: true,
      by: "ann",
    });
    expect(shown).toContain(`pump is trained anew (retrain/pump/${WINDOW})`);
    await expect(aura("retrain", "pump", "--reason", "again")).rejects.toMatchObject({
      code: "retrain_refused",
    });
  });

  it("needs a reason, but not to list", async () => {
    await expect(aura("retrain", "pump")).rejects.toMatchObject({ code: "config_invalid" });
    await aura("retrain", "list", "--model", "pump");
    expect(api.requests.at(-1)?.path).toMatch(/^\/v1\/retrains\?limit=\d+&model=pump$/);
    expect(shown).toMatch(/drift, aura +refused +@4 +01a1fd2a +\S+ +outside the change envelope\n/);
    expect(shown).toMatch(/drift +49 +2026-11-22 10:00:00Z +retrain of pump cools down\n/);
  });
});

describe("aura schedules", () => {
  it("shows when each acts next, and what the last came to", async () => {
    await aura("schedules");
    expect(shown).toMatch(/drift\/pump +1h +2026-11-21 10:00:00Z +2026-11-21 10:00:00Z +ok\n/);
    expect(shown).toMatch(/retrain\/pump +- +paused \(by ann\) +- +-\n/);
  });
});
