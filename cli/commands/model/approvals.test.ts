import { Command } from "commander";
import { afterEach, expect, it } from "vitest";
import { attachContext } from "../../context.ts";
import { startFakeApi } from "../../fake-api.ts";
import type { FakeApi } from "../../fake-api.ts";
import { Output } from "../../output.ts";
import { registerApprovalsCommand } from "./approvals.ts";

const approval = {
  id: "pump.3.r1",
  kind: "promotion",
  subject: "pump@3",
  digest: "3".repeat(64),
  model: "pump",
  version: 3,
  workflowId: "approve/promotion/pump.3.r1",
  requestedBy: "ann",
  policy: { quorum: 1 },
  evidence: { champion: { version: 1, digest: "1".repeat(64), rows: "r", metrics: {} } },
  state: "waiting",
  deadline: "2026-01-02T00:00:00.000Z",
  decisions: [],
};

let api: FakeApi | undefined;
afterEach(() => api?.close());

/** @returns what `aura approvals approve` printed where this version is champion */
async function approveBeside(champion: number): Promise<string> {
  const championNow = { version: champion, digest: String(champion).repeat(64) };
  api = await startFakeApi({
    "GET /v1/approvals/pump.3.r1": () => ({ body: { ...approval, championNow } }),
    "POST /v1/approvals/pump.3.r1/decisions": () => ({
      body: { ...approval, championNow, state: "approved" },
    }),
  });
  let shown = "";
  const stdout = { write: (text: string) => void (shown += text) };
  const program = new Command("aura").exitOverride();
  attachContext(program, {
    output: new Output({ stdout, stderr: { write: () => undefined }, environment: {} }),
    cwd: ".",
    isInteractive: false,
    environment: { AURA_API_URL: api.url },
    exitWith: () => undefined,
  });
  registerApprovalsCommand(program);
  await program.parseAsync(["node", "aura", "approvals", "approve", "pump.3.r1", "--as", "bea"]);
  return shown;
}

it("announces the promotion that follows", async () => {
  expect(await approveBeside(1)).toContain("pump.3.r1 (pump@3) is approved; the promotion follows");
});

it("announces none where the champion is another by now", async () => {
  const shown = await approveBeside(2);
  expect(shown).toContain(
    "is approved; the champion is pump@2 by now, but pump@3 was compared with pump@1: it is not promoted",
  );
  expect(shown).not.toContain("the promotion follows");
});
