import type { PerformanceCheckResult } from "../../activities/performance/messages.ts";
import { performance } from "../activity-proxies.ts";
import { logicalTime } from "../logical-time.ts";
import { startRetrain } from "../retrain/start.ts";
import { show } from "../visibility.ts";

export interface PerformanceInput {
  readonly model: string;
}

export interface PerformanceResult extends PerformanceCheckResult {
  /** Set when a retrain was started: names its window. */
  readonly retrainWindow?: string;
  /** Why none was, though the degradation is confirmed. */
  readonly notRetrained?: string;
}

/**
 * One scheduled look at how good the champion's answers turned out to be, by the labels that are there by now. Confirmed
 * degradation asks for a retrain.
 *
 * **Messages**: none. **Continue-as-new**: none. **Versioning**: patched().
 */
export async function performanceWorkflow({ model }: PerformanceInput): Promise<PerformanceResult> {
  show(
    { stage: "performance", model },
    `Holding the answers of **${model}** against what turned out to be true`,
  );
  const at = logicalTime();
  const result = await performance.checkPerformance({ model, at });
  show({ stage: `performance:${result.state}` }, `**${model}**: ${result.detail}`);
  if (!result.confirmed) return result;
  const due = await startRetrain({ model, trigger: "degradation", at, detail: result.detail });
  return due.isDue
    ? { ...result, retrainWindow: due.window }
    : { ...result, notRetrained: due.refused.message };
}
