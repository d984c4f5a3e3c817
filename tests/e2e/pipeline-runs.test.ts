import { afterAll, beforeAll, expect, it } from "vitest";
import { approveWorkflowId } from "../../temporal-config/constants.ts";
import { PatientPerson } from "../faults/drive-run.ts";
import type { Approval } from "../../cli/run/approval.ts";
import type { StartedRun } from "../faults/drive-run.ts";
import { pipelineText } from "../faults/fixture/pumps.ts";
import { FaultyPlatform } from "../faults/faulty-platform.ts";
import { inMs } from "../faults/patience.ts";
import { describeWithServices } from "../support/platform.ts";

/** Whole runs on a whole platform, from the upload of a file to the promoted version. One story, in order. */

const STORY_MS = 240_000;
const RUN_MS = 60_000;
/** Other test files load the machine meanwhile. */
const SOON = { timeout: 15_000 };

await describeWithServices("pipeline runs, end to end", () => {
  let platform: FaultyPlatform;
  let person: PatientPerson;
  let first: StartedRun;

  beforeAll(async () => {
    platform = await FaultyPlatform.start();
    person = new PatientPerson(platform.apiUrl, inMs(STORY_MS));
  }, RUN_MS);
  afterAll(() => platform.dispose());

  const statusOf = async (workflowId: string) =>
    (await platform.client.workflow.getHandle(workflowId).describe()).status.name;

  it("starts one workflow when the same run is asked for twice at once", async () => {
    const both = await Promise.all([person.startRun(), person.startRun()]);
    expect(new Set(both.map(({ runId }) => runId)).size).toBe(1);
    expect(both.filter(({ isNew }) => isNew)).toHaveLength(1);
    first = both[0];
  });

  it(
    "ends promoted, and is found instead of started again while it runs",
    async () => {
      expect(await person.startRun()).toMatchObject({ runId: first.runId, isNew: false });
      const view = await person.finishRun(first.runId);
      expect(view).toMatchObject({ status: "finished", outcome: "promoted", version: 1 });
      expect(view.stages.map(({ state }) => state)).toEqual(Array.from({ length: 9 }, () => "done"));
    },
    RUN_MS,
  );

  it(
    "reuses every stage on the same data, and changes nothing",
    async () => {
      // The run is on record as finished a moment before its workflow ends, and until then is the one that is found.
      await expect.poll(() => statusOf(first.workflowId), { timeout: 5_000 }).toBe("COMPLETED");
      const again = await person.startRun();
      expect(again).toMatchObject({ isNew: true, workflowId: first.workflowId });
      const view = await person.untilOver(again.runId);
      expect(view).toMatchObject({ status: "finished", outcome: "unchanged", version: 1 });
      const reused = view.stages.filter(({ state }) => state === "reused").map(({ stage }) => stage);
      expect(reused).toEqual(["ingest", "split", "transform", "train", "evaluate"]);
    },
    RUN_MS,
  );

  it(
    "takes a comment for no change, and a changed pipeline file or other data for another run",
    async () => {
      await expect.poll(() => statusOf(first.workflowId), { timeout: 5_000 }).toBe("COMPLETED");
      const commented = await person.startRun({ pipeline: `# looked at\n${pipelineText()}` });
      expect(commented.workflowId).toBe(first.workflowId);
      await person.untilOver(commented.runId);

      const pipeline = pipelineText().replace("numIterations: 10", "numIterations: 12");
      const changed = await person.startRun({ pipeline });
      expect(changed.workflowId).not.toBe(first.workflowId);
      const view = await person.untilOver(changed.runId);
      // The linear candidate is chosen again: a tie is no better.
      expect(view).toMatchObject({ status: "finished", outcome: "unchanged" });
      expect(view.stages.find(({ stage }) => stage === "ingest")?.state).toBe("reused");
    },
    RUN_MS,
  );

  it(
    "ends the run, its stage and its approval when it is cancelled while it waits",
    async () => {
      const pipeline = `${renamed("cancelled-at-approval")}\n${COSTS_AND_SLICES}`;
      const other = await person.startRun({ dataSeed: 12, pipeline });
      expect(other.workflowId).not.toBe(first.workflowId);
      const approval = await person.untilAsked(other.runId);
      expectEvidence(approval);
      await person.cancel(other.runId);
      const view = await person.untilOver(other.runId);
      expect(view).toMatchObject({ status: "cancelled", error: { code: "cancelled" } });
      expect(view.stages.at(-1)).toMatchObject({ stage: "approve", state: "failed", detail: "cancelled" });
      const { id = "", digest = "" } = approval ?? {};
      expect(await person.readApproval(id)).toMatchObject({ state: "expired", decisions: [] });
      const children = [other.workflowId, approveWorkflowId("promotion", id, digest)];
      await expect.poll(() => Promise.all(children.map(statusOf)), SOON).toEqual(["CANCELLED", "CANCELLED"]);
    },
    RUN_MS,
  );

  it(
    "stops the work itself when it is cancelled while it trains",
    async () => {
      const other = await person.startRun({ pipeline: renamed("cancelled-in-training") });
      await person.untilStage(other.runId, "train");
      await person.cancel(other.runId);
      const view = await person.untilOver(other.runId);
      expect(view).toMatchObject({ status: "cancelled", error: { code: "cancelled" } });
      expect(view.version).toBeUndefined();
      await expect.poll(() => statusOf(other.workflowId), SOON).toBe("CANCELLED");
    },
    RUN_MS,
  );

  it(
    "ends refused at a gate, without asking anybody",
    async () => {
      const pipeline = renamed("refused").replace("min: 0.6", "min: 0.9999");
      const other = await person.startRun({ pipeline });
      const view = await person.untilOver(other.runId);
      expect(view).toMatchObject({ status: "finished", outcome: "refused", version: 1 });
      expect(view.approvalId).toBeUndefined();
      expect(view.gates?.find(({ name }) => name === "rocAuc on test")?.passed).toBe(false);
    },
    RUN_MS,
  );
});

const COSTS_AND_SLICES =
  "costs: { missedFailure: 5000, falseAlarm: 200, currency: EUR }\nevaluate: { slices: [pump] }\n";

/** What the approver needs beyond the metrics, from the real run. */
function expectEvidence(approval: Approval | undefined): void {
  const { evidence, requesterAuthenticated } = approval ?? {};
  expect(requesterAuthenticated).toBe(false);
  expect(evidence?.operatingPoint?.costs).toMatchObject({ missedFailure: 5000, currency: "EUR" });
  const { missedFailures = 0, falseAlarms = 0, costs } = evidence?.operatingPoint ?? {};
  expect(costs?.total).toBe(5000 * missedFailures + 200 * falseAlarms);
  expect(evidence?.thresholds).toHaveLength(20);
  expect(evidence?.intervals).toHaveProperty("rocAuc");
  // Every pump is one row: twenty slices without metrics, and one of all the rarer ones.
  expect(evidence?.worstSlices).toMatchObject({ of: 1, shown: [{ column: "pump", bucket: "other" }] });
  expect(evidence?.data).toMatchObject([{ source: "readings", accepted: 400, quarantined: 3 }]);
}

function renamed(name: string): string {
  return pipelineText().replace("name: faults", `name: ${name}`);
}
