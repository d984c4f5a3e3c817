import { patched } from "@temporalio/workflow";
import type { DriftCheckResult } from "../../activities/monitoring/messages.ts";
import { driftChecks } from "../activity-proxies.ts";
import { logicalTime } from "../logical-time.ts";
import { startRetrain, startRetrainOf } from "../retrain/start.ts";
import { show } from "../visibility.ts";

export interface DriftInput {
  readonly model: string;
}

/**
 * One scheduled look at what the champion was asked and answered, against the reference frozen at training.
 * Confirmed drift starts one retrain per window, however often it is found.
 *
 * **Messages**: none. **Continue-as-new**: none. **Versioning**: patched().
 */
export async function driftWorkflow(input: DriftInput): Promise<DriftCheckResult> {
  const { model } = input;
  show({ stage: "drift", model }, `Checking **${model}** for drift`);
  const windowEnd = logicalTime();
  const result = await driftChecks.checkDrift({ model, windowEnd });
  show({ stage: `drift:${result.state}` }, `**${model}**: ${result.detail}`);
  if (!patched("retrain-due")) {
    if (result.retrainWindow !== undefined)
      await startRetrainOf({ model, window: result.retrainWindow, reason: result.detail });
    return result;
  }
  if (!result.confirmed) return result;
  const due = await startRetrain({ model, trigger: "drift", at: windowEnd, detail: result.detail });
  return due.isDue
    ? { ...result, retrainWindow: due.window }
    : { ...result, notRetrained: due.refused.message };
}
