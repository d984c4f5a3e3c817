import type { Connection } from "@temporalio/client";
import { msToTs } from "@temporalio/common/lib/time.js";
import { PlatformError } from "../schemas/platform-error.ts";
import { RETENTION_DAYS } from "./constants.ts";

const SECONDS_PER_DAY = 86_400;

/** Longest wait for the answer of a server that is just starting. */
const ANSWER_WITHIN_MS = 1_000;

/** Whether the namespace answers: the dev server listens a little before it has created it. */
export async function isNamespaceReady(connection: Connection, namespace: string): Promise<boolean> {
  try {
    await connection.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    return true;
  } catch {
    return false;
  }
}

/**
 * Raises the namespace's retention to 30 days; the dev server's 24 hours make closed workflows vanish
 * overnight. A longer retention stays. For the embedded server only: elsewhere it is the operator's choice.
 *
 * @throws {PlatformError} temporal_unavailable
 */
export async function ensureRetention(
  connection: Pick<Connection, "workflowService">,
  namespace: string,
): Promise<void> {
  const wanted = RETENTION_DAYS * SECONDS_PER_DAY;
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    const present = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0);
    if (present >= wanted) return;
    await connection.workflowService.updateNamespace({
      namespace,
      config: { workflowExecutionRetentionTtl: msToTs(wanted * 1000) },
    });
  } catch (cause) {
    throw new PlatformError("temporal_unavailable", `set the retention [namespace ${namespace}]`, { cause });
  }
}
