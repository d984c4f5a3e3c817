import { patched } from "@temporalio/workflow";
import type { PromoteInput, PromoteResult } from "../../activities/registry/messages.ts";
import { monitoring, registry } from "../activity-proxies.ts";
import { show } from "../visibility.ts";

/**
 * Moves the champion alias to one version, exactly once: the workflow id names model and version, the activity's
 * transaction is keyed by `requestId`.
 *
 * **Messages**: none. **Continue-as-new**: none. **Versioning**: patched().
 */
export async function promotionWorkflow(input: PromoteInput): Promise<PromoteResult> {
  const { model, version } = input;
  show(
    { stage: "promote", model, version: String(version) },
    `Promoting **${model}@${version}**: ${input.reason}`,
  );
  const result = await registry.promoteVersion(input);
  // A person's: after its own promotion a run sees to that itself.
  if (input.actor !== undefined && patched("schedules-of-champion"))
    await monitoring.ensureMonitoring({ model });
  show({ stage: "promoted" }, `**${model}@${version}** is champion since ${result.at}`);
  return result;
}
