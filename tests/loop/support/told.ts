import type { Client } from "@temporalio/client";

/** What Temporal's own list and page tell of a workflow. */
export interface ToldWorkflow {
  /** Of the list. */
  readonly summary: string | undefined;
  readonly stage: unknown;
  readonly model: unknown;
  /** Markdown of its page. */
  readonly details: string;
}

export async function toldOf(client: Client, workflowId: string): Promise<ToldWorkflow> {
  const handle = client.workflow.getHandle(workflowId);
  const { currentDetails = "" } = await handle.query<{ currentDetails?: string }>(
    "__temporal_workflow_metadata",
  );
  const described = await handle.describe();
  const attributes = Object.fromEntries(
    described.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
  );
  return {
    summary: await described.staticSummary(),
    stage: attributes["AuraStage"],
    model: attributes["AuraModel"],
    details: currentDetails,
  };
}
