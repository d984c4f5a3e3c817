import { WorkflowFailedError } from "@temporalio/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { withFailures } from "../../activities/failures.ts";
import { createRegistryActivities } from "../../activities/registry/activities.ts";
import type { PromoteInput } from "../../activities/registry/messages.ts";
import { createDatabase } from "../../stores/postgres/database.ts";
import type { Database, VersionRow } from "../../stores/postgres/port.ts";
import { TASK_QUEUES } from "../../temporal-config/constants.ts";
import type { promotionWorkflow } from "../../workflows/promotion/workflow.ts";
import { MemoryObjects } from "../support/memory-objects.ts";
import { createTestDatabase, describeWithServices } from "../support/platform.ts";
import type { TestDatabase } from "../support/platform.ts";
import { auditOf, versionOf } from "../support/registry-samples.ts";
import { startWorkflowEnvironment } from "../support/workflow-environment.ts";
import type { WorkflowEnvironment } from "../support/workflow-environment.ts";

/** The promotion workflow over the real registry, started by hand as anybody with Temporal's own tools can. */

await describeWithServices("promotions started by hand", (services) => {
  let test: TestDatabase;
  let db: Database;
  let environment: WorkflowEnvironment;
  beforeAll(async () => {
    test = await createTestDatabase("promotion");
    db = await createDatabase(test.url);
    const registry = createRegistryActivities({ db, objects: new MemoryObjects() });
    environment = await startWorkflowEnvironment(services, withFailures(registry));
  });
  afterAll(async () => {
    await environment.close();
    await db.close();
    await test.drop();
  });

  const promote = (v: VersionRow, over: Partial<PromoteInput>) =>
    environment.client.workflow.execute<typeof promotionWorkflow>("promotionWorkflow", {
      workflowId: `promote/${v.model}@${v.version}`,
      taskQueue: TASK_QUEUES.control,
      args: [
        {
          model: v.model,
          version: v.version,
          digest: v.digest,
          requestId: "by-hand",
          approvalId: null,
          reason: "by hand",
          actor: "mallory",
          ...over,
        },
      ],
    });

  it("refuses a version that nobody approved", async () => {
    const v = await db.registry.register(versionOf("bare", "1"), auditOf("version.register"));
    const error: unknown = await promote(v, {}).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(error).toMatchObject({ cause: { cause: { type: "gate_refused" } } });
    expect(await db.registry.champion("bare")).toBeUndefined();
  });
});
