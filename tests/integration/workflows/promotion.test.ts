import { WorkflowFailedError } from "@temporalio/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { withFailures } from "../../../activities/failures.ts";
import { createRegistryActivities } from "../../../activities/registry/activities.ts";
import type { PromoteInput } from "../../../activities/registry/messages.ts";
import { createDatabase } from "../../../stores/postgres/database.ts";
import type { Database, VersionRow } from "../../../stores/postgres/port.ts";
import { TASK_QUEUES } from "../../../temporal-config/constants.ts";
import type { promotionWorkflow } from "../../../workflows/promotion/workflow.ts";
import { MemoryObjects } from "../../support/memory-objects.ts";
import { createTestDatabase, describeWithServices } from "../../support/platform.ts";
import type { TestDatabase } from "../../support/platform.ts";
import { approve, auditOf, versionOf } from "../../support/registry-samples.ts";
import { startWorkflowEnvironment } from "../../support/workflow-environment.ts";
import type { WorkflowEnvironment } from "../../support/workflow-environment.ts";

/** The promotion workflow over the real registry, started by hand as anybody with Temporal's own tools can. */

await describeWithServices("promotions started by hand", (services) => {
  let test: TestDatabase;
  let db: Database;
  let environment: WorkflowEnvironment;
  beforeAll(async () => {
    test = await createTestDatabase("promotion");
    db = await createDatabase(test.url);
    const registry = createRegistryActivities({ db, objects: new MemoryObjects() });
    // What comes after a promotion by hand: schedules, of which there are none here.
    const ensureMonitoring = async (): Promise<void> => undefined;
    const activities = withFailures({ ...registry, ensureMonitoring });
    environment = await startWorkflowEnvironment(services, activities);
  });
  afterAll(async () => {
    await environment.close();
    await db.close();
    await test.drop();
  });

  const inputOf = ({ model, version, digest }: VersionRow): PromoteInput => ({
    model,
    version,
    digest,
    requestId: "by-hand",
    approvalId: null,
    reason: "by hand",
    actor: { id: "mallory", authenticated: false },
  });
  const start = (input: PromoteInput) =>
    environment.client.workflow.execute<typeof promotionWorkflow>("promotionWorkflow", {
      workflowId: `promote/${input.model}@${input.version}`,
      taskQueue: TASK_QUEUES.control,
      args: [input],
    });

  it("refuses a version that nobody approved", async () => {
    const v = await db.registry.register(versionOf("bare", "1"), auditOf("version.register"));
    const error: unknown = await start(inputOf(v)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(error).toMatchObject({ cause: { cause: { type: "gate_refused" } } });
    expect(await db.registry.champion("bare")).toBeUndefined();
    expect(await db.audit.list({ subject: "model/bare@1", limit: 9 })).toMatchObject([
      { outcome: "refused", actor: { id: "mallory", authenticated: false } },
    ]);
  });

  it("records who asked and who approved as they are known", async () => {
    const v = await db.registry.register(versionOf("known", "1"), auditOf("version.register"));
    const approvalId = await approve(db, v, { requestedBy: "bea" });
    const approvers = [{ id: "bea", authenticated: false, selfApproved: true }];
    const { actor: _actor, ...byRun } = inputOf(v);
    await start({ ...byRun, approvalId });
    const [row] = await db.audit.list({ subject: "model/known@1", limit: 1 });
    expect(row).toMatchObject({
      actor: { id: "bea", role: "approver", authenticated: false },
      details: { approvalId, approvers },
    });
    const next = await db.registry.register(versionOf("known", "2"), auditOf("version.register"));
    const person = { id: "cleo", authenticated: true };
    const nextApproval = await approve(db, next);
    await start({ ...inputOf(next), requestId: "two", approvalId: nextApproval, actor: person });
    await start({ ...inputOf(v), requestId: "back", actor: { id: "local", authenticated: false } });
    const rows = await db.audit.list({ subject: "model/known@2", limit: 1 });
    expect(rows[0]).toMatchObject({ actor: { id: "cleo", role: "approver", authenticated: true } });
    expect((await db.registry.history("known")).map(({ actor }) => actor)).toEqual(["bea", "cleo", "local"]);
  });
});
