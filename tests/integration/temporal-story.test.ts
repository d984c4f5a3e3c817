import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { defaultPayloadConverter } from "@temporalio/common";
import type { Payload } from "@temporalio/common";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findTemporalBinary } from "../../temporal-config/server-binary.ts";
import { approveWorkflowId } from "../../temporal-config/constants.ts";
import { PatientPerson } from "../faults/drive-run.ts";
import type { StartedRun } from "../faults/drive-run.ts";
import { inMs } from "../faults/patience.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import type { Approval } from "../../cli/run/approval.ts";
import { readHistory } from "../replay/history-file.ts";
import { describeWithServices, testEnvironment } from "../support/platform.ts";

/** Temporal's own tools alone tell what runs, what waits, for whom and until when; and can decide. */

const STORY_MS = 60_000;
const run = promisify(execFile);

await describeWithServices("what Temporal's own tools tell of a run", () => {
  let platform: FaultyPlatform;
  let person: PatientPerson;
  let started: StartedRun;
  let approval: Approval;
  let binary: string;

  beforeAll(async () => {
    binary = (await findTemporalBinary({ environment: process.env }))?.path ?? "";
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
    started = await person.startRun();
    const asked = await person.untilAsked(started.runId);
    if (asked === undefined) throw new Error("the run ended without an approval");
    approval = asked;
  }, STORY_MS);
  afterAll(() => platform.dispose());

  /** `temporal workflow …`, as JSON. */
  async function temporal(...args: readonly string[]): Promise<unknown> {
    const { stdout } = await run(
      binary,
      ["workflow", ...args, "--address", platform.temporalAddress, "-o", "json", "--color", "never"],
      { env: testEnvironment({}) },
    );
    return JSON.parse(stdout) as unknown;
  }

  /** Search attributes as people see them. */
  async function attributesOf(workflowId: string): Promise<Record<string, unknown>> {
    const described = (await temporal("describe", "-w", workflowId)) as {
      workflowExecutionInfo: { searchAttributes: { indexedFields: Record<string, { data: string }> } };
    };
    const { indexedFields } = described.workflowExecutionInfo.searchAttributes;
    return Object.fromEntries(
      Object.entries(indexedFields).map(([name, { data }]) => [
        name,
        JSON.parse(Buffer.from(data, "base64").toString()),
      ]),
    );
  }

  /** Current details and the messages it takes. */
  const metadataOf = (workflowId: string) => temporal("metadata", "-w", workflowId).then(JSON.stringify);

  const approvalWorkflowId = () => approveWorkflowId("promotion", approval.id, approval.digest);

  it("tells stage, model, version, dataset and approval of a run that waits", async () => {
    expect(await attributesOf(started.workflowId)).toMatchObject({
      AuraPipeline: "faults",
      AuraModel: "faults",
      AuraStage: "approve",
      AuraVersion: "1",
      AuraApproval: approval.id,
      AuraDataset: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    const metadata = await metadataOf(started.workflowId);
    expect(metadata).toContain("Waiting for approval");
    expect(metadata).toContain("faults@1");
    expect(metadata).toContain("any approver (quorum 1)");
    expect(metadata).toMatch(/until: \d{4}-\d\d-\d\dT[\d:.]+Z, then: expire/);
  });

  it("tells what an approval is about, from whom, until when, and what may be sent", async () => {
    expect(await attributesOf(approvalWorkflowId())).toMatchObject({
      AuraModel: "faults",
      AuraStage: "approve",
      AuraVersion: "1",
      AuraApproval: "waiting",
    });
    const metadata = await metadataOf(approvalWorkflowId());
    expect(metadata).toContain("Waiting for approval");
    expect(metadata).toContain("any approver (quorum 1)");
    expect(metadata).toContain(`until: ${new Date(approval.deadline).toISOString()}, then: expire`);
    expect(metadata).toContain(approval.digest);
    expect(metadata).toMatch(/rocAuc: 0\.\d+ \(95 %: .*no champion/);
    expect(metadata).toContain("data: 400 rows accepted, 3 quarantined");
    for (const message of ["decide", "approve", "reject", "wake"]) expect(metadata).toContain(message);
  });

  it("lists everything that waits for a person", async () => {
    const query = "AuraApproval = 'waiting' AND ExecutionStatus = 'Running'";
    // The list is indexed a moment after the workflow has set its attributes.
    await expect
      .poll(async () => JSON.stringify(await temporal("list", "--query", query)), { timeout: 5_000 })
      .toContain(approvalWorkflowId());
  });

  it("takes the decision, recorded as unauthenticated", async () => {
    const decision = JSON.stringify({ decision: "approve", by: "ui@example.com", reason: "from Temporal" });
    const flags = ["-w", approvalWorkflowId(), "--name", "decide", "--input", decision];
    await temporal("update", "execute", ...flags);
    const view = await person.untilOver(started.runId);
    expect(view).toMatchObject({ status: "finished", outcome: "promoted" });
    const { decisions } = await person.readApproval(approval.id);
    expect(decisions).toMatchObject([
      { by: "ui@example.com", authenticated: false, channel: "signal", reason: "from Temporal" },
    ]);
  }, 30_000);

  it("told every stage as it went by", async () => {
    const workflow = platform.client.workflow.getHandle(started.workflowId);
    // The run is on record as finished a moment before its workflow says so.
    await workflow.result();
    const { stages: inOrder } = toldBy(await workflow.fetchHistory());
    const expected = "ingest split transform train evaluate register gate approve promote promoted";
    expect(inOrder.join(" ")).toBe(expected);
    expect(await attributesOf(approvalWorkflowId())).toMatchObject({ AuraStage: "approved" });
  });

  it("says in the list of schedules and of their workflows what they do", async () => {
    for (const [id, says] of [
      ["drift/faults", "Check faults for drift"],
      ["performance/faults", "Judge faults by its labels"],
      ["housekeeping", "What goes away by itself"],
    ] as const) {
      const { action } = await platform.client.schedule.getHandle(id).describe();
      expect(action.staticSummary).toBe(says);
    }
  });
});

type Told = ReturnType<typeof toldBy>;

/** What a history tells of itself: stages and models as they were set, and the summaries of what it started. */
function toldBy({ events }: ReturnType<typeof readHistory>) {
  const textOf = (payload: Payload | null | undefined) =>
    payload == null ? [] : [defaultPayloadConverter.fromPayload<unknown>(payload)].flat();
  const set = (name: string) =>
    (events ?? []).flatMap((event) => {
      const fields = event.upsertWorkflowSearchAttributesEventAttributes?.searchAttributes?.indexedFields;
      return textOf(fields?.[name]);
    });
  const stages = set("AuraStage");
  return {
    stages: stages.filter((stage, i) => stage !== stages[i - 1]),
    models: [...new Set(set("AuraModel"))],
    summaries: (events ?? []).flatMap(({ userMetadata }) => textOf(userMetadata?.summary)),
  };
}

/** Recorded from real ones, which are replayed by `tests/replay`: what of them is read in Temporal's UI afterwards. */
describe("what the histories of the loop tell", () => {
  it.each<[string, Told]>([
    [
      "rollout-promoted",
      {
        stages: ["rollout", "rollout:running", "rollout:promoting", "rollout:promoted"],
        models: ["rolled"],
        summaries: [
          "Roll out rolled@2",
          expect.stringMatching(/^Bake of shadow until \d{4}-/),
          expect.stringMatching(/^Bake of canary 10 % until \d{4}-/),
          "Promote rolled@2",
        ],
      },
    ],
    [
      "recommendation-decided-closed",
      {
        stages: ["assess", "decide", "closed"],
        models: ["recorded"],
        summaries: ["Maintenance of decided (recorded, 1)", "Decide: maintenance of decided (recorded@1)"],
      },
    ],
    [
      "recommendation-cancelled",
      {
        stages: ["assess", "decide", "cancelled"],
        models: ["recorded"],
        summaries: expect.arrayContaining(["Maintenance of cancelled (recorded, 1)"]) as unknown[],
      },
    ],
    [
      "recommendation-failed",
      {
        stages: ["assess", "decide", "failed"],
        models: ["recorded"],
        summaries: expect.arrayContaining(["Maintenance of failed (recorded, 1)"]) as unknown[],
      },
    ],
    [
      "drift-retrain-due",
      {
        stages: ["drift", "drift:drift"],
        models: ["faults"],
        summaries: [expect.stringMatching(/^Retrain faults \(\d{4}-/)],
      },
    ],
    [
      "performance-degraded",
      {
        stages: ["performance", "performance:degraded"],
        models: ["contradicted"],
        summaries: [
          "Hold contradicted against labels, by hand",
          expect.stringMatching(/^Retrain contradicted \(\d{4}-/),
        ],
      },
    ],
    [
      "retrain-request",
      {
        stages: ["retrain", "retrain:due"],
        models: ["retrained"],
        summaries: [
          "Retrain retrained, asked by local: recorded for replay",
          expect.stringMatching(/^Retrain retrained \(\d{4}-/),
        ],
      },
    ],
    [
      "retrain-recorded-promoted",
      {
        stages: ["retrain", "retrain:promoted"],
        models: ["faults"],
        summaries: [
          expect.stringMatching(/^Retrain faults \(\d{4}-/),
          expect.stringMatching(/^Retrain faults: Drift over 120 rows in temperature/),
        ],
      },
    ],
  ])("%s", (name, told) => expect(toldBy(readHistory(name))).toEqual(told));
});
