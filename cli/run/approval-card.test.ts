import { beforeEach, expect, it } from "vitest";
import { Output } from "../output.ts";
import { showApproval } from "./approval-card.ts";
import { approvalSchema, decisionText } from "./approval.ts";

const DIGEST = "d".repeat(64);

let shown = "";
beforeEach(() => {
  shown = "";
});
const output = new Output({
  stdout: { write: () => undefined },
  stderr: { write: (text) => (shown += text) },
  environment: {},
});

const decision = {
  decisionId: "1",
  decision: "approve",
  by: "ada",
  authenticated: false,
  channel: "cli",
  reason: "looked",
  at: "2026-01-01T00:00:00Z",
};

function approvalWith(evidence: object) {
  return approvalSchema.parse({
    id: "p.1.r1",
    kind: "promotion",
    subject: "p@1",
    digest: DIGEST,
    model: "p",
    version: 1,
    workflowId: "approve/promotion/p.1.r1/d",
    requestedBy: "ada",
    requesterAuthenticated: false,
    policy: { quorum: 1 },
    evidence,
    state: "waiting",
    deadline: "2026-01-02T00:00:00Z",
    decisions: [{ ...decision, selfApproved: true }],
  });
}

it("shows what the threshold costs, where it is worst and what it was learnt from", () => {
  const approval = approvalWith({
    primaryMetric: "f1",
    metrics: { test: { f1: 0.7 }, cv: { f1: 0.6 } },
    intervals: { f1: [0.65, 0.75] },
    baseline: { f1: 0.1 },
    champion: { version: 4, digest: DIGEST, rows: "r", metrics: { f1: 0.69 } },
    gates: [{ name: "f1 on test", passed: true, detail: "fine" }],
    operatingPoint: {
      threshold: 0.31,
      precision: 0.6,
      recall: 0.8,
      f1: 0.7,
      alerts: 12,
      missedFailures: 2,
      failures: { train: { rows: 20, assets: 5 }, test: { rows: 8, assets: 3, missedAssets: 1 } },
      falseAlarms: 4,
      costs: {
        missedFailure: 1000,
        falseAlarm: 50,
        currency: "EUR",
        ofMissedFailures: 2000,
        ofFalseAlarms: 200,
        total: 2200,
        perRow: 22,
      },
    },
    worstSlices: {
      shown: [
        { column: "site", value: "Süd\u001b[2J", rows: 40, assets: 4, metrics: { f1: 0.3 } },
        { column: "site", value: "4 rarer values", bucket: "other", rows: 9, assets: 3, metrics: {} },
      ],
      of: 7,
    },
    data: [
      {
        source: "readings",
        role: "readings",
        assets: 12,
        read: 410,
        accepted: 400,
        quarantined: 10,
        byReason: { out_of_range: 10 },
      },
    ],
  });
  showApproval(output, approval, { apiUrl: "http://127.0.0.1:1" });
  expect(shown).toContain("ada (unauthenticated)");
  expect(shown).toMatch(/metric +p@1 \(test\) +95 % +\(cv\) +baseline \(test\) +champion @4 \(test\)/);
  expect(shown).toMatch(/f1 \* +0\.7 +0\.65 … 0\.75 +0\.6 +0\.1 +0\.69/);
  expect(shown).toContain("alerts from 0.31 on: 12 alerts, recall 0.8, precision 0.6");
  expect(shown).toContain("2 failure rows not alerted × 1000 = 2000 EUR");
  expect(shown).toContain(
    "holdout: 8 such rows of 3 assets, 1 of them without any alert; training: 20 of 5 assets",
  );
  expect(shown).toContain("together 2200 EUR, 22 per holdout row");
  expect(shown).toContain("worst 2 of 7 slices by f1:");
  expect(shown).toMatch(/site = \(4 rarer values\) +9 +3 +under 10 rows/);
  expect(shown).toContain("readings: 400 rows of 12 assets accepted, 10 quarantined (out_of_range 10)");
  expect(shown).not.toContain("\u001b");
});

it("leaves out the assets of a plain table, where every row is its own", () => {
  const failures = { train: { rows: 20, assets: 20 }, test: { rows: 8, assets: 8, missedAssets: 1 } };
  const counts = { alerts: 12, missedFailures: 2, falseAlarms: 4, failures, costs: null };
  const approval = approvalWith({
    operatingPoint: { threshold: 0.31, precision: 0.6, recall: 0.8, f1: 0.7, ...counts },
    data: [
      {
        source: "readings",
        role: "readings",
        assets: 400,
        read: 400,
        accepted: 400,
        quarantined: 0,
        byReason: {},
      },
    ],
  });
  showApproval(output, approval, { apiUrl: "http://127.0.0.1:1" });
  expect(shown).toContain("holdout: 8 such rows, 1 of them without any alert; training: 20\n");
  expect(shown).toContain("readings: 400 rows accepted, 0 quarantined");
});

it("shows an approval of another kind, and one whose evidence is no object", () => {
  for (const evidence of [{}, { note: "maintenance" }]) {
    showApproval(output, approvalWith(evidence), { apiUrl: "http://127.0.0.1:1" });
    expect(shown).toContain("Three ways to decide");
  }
  expect(approvalWith([]).evidence).toEqual({});
});

it.each([
  [
    "another",
    { version: 4, digest: "4" },
    { version: 7, digest: "7" },
    "the champion is p@7 by now, but p@1 was compared with p@4",
  ],
  [
    "one where there was none",
    null,
    { version: 7, digest: "7" },
    "the champion is p@7 by now, but p@1 was compared with no champion",
  ],
  ["the same", { version: 4, digest: "4" }, { version: 4, digest: "4" }, undefined],
  ["none as before", null, null, undefined],
  ["the version itself", null, { version: 1, digest: DIGEST }, undefined],
  ["not told", { version: 4, digest: "4" }, undefined, undefined],
])("says whether the champion is another by now: %s", (_, compared, championNow, expected) => {
  const champion = compared && { ...compared, digest: compared.digest.repeat(64), rows: "r", metrics: {} };
  const now = championNow && { ...championNow, digest: championNow.digest.repeat(64).slice(0, 64) };
  const approval = approvalSchema.parse({ ...approvalWith({ champion }), championNow: now });
  expect(approval.evidence).toEqual({ champion });
  showApproval(output, approval, { apiUrl: "http://127.0.0.1:1" });
  if (expected === undefined) expect(shown).not.toContain("by now");
  else expect(shown).toContain(`! ${expected}: it is not promoted; run the pipeline again`);
  shown = "";
  showApproval(output, { ...approval, state: "approved" }, { apiUrl: "http://127.0.0.1:1" });
  expect(shown).not.toContain("by now");
});

it("says who is not known, and who answered their own question", () => {
  const [recorded] = approvalWith({}).decisions;
  if (recorded === undefined) throw new Error("no decision");
  expect(decisionText(recorded)).toBe("approve by ada (unauthenticated, self-approved) through cli");
  expect(decisionText({ ...recorded, authenticated: true, selfApproved: false })).toBe(
    "approve by ada through cli",
  );
});

it("proposes an approver who may decide, and goes to stdout where it is asked for", () => {
  let asked = "";
  const both = new Output({
    stdout: { write: (text) => (asked += text) },
    stderr: { write: () => expect.unreachable() },
    environment: {},
  });
  const approval = { ...approvalWith({}), policy: { quorum: 1, approvers: ["ada", "o'hara@example.com"] } };
  showApproval(both, approval, { apiUrl: "http://127.0.0.1:1", to: "stdout" });
  expect(asked).toContain(String.raw`approve p.1.r1 --as 'o'\''hara@example.com' --reason`);
});
