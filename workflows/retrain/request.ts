import type { RetrainAsk, RetrainDue } from "../../activities/retraining/messages.ts";
import { logicalTime } from "../logical-time.ts";
import { show } from "../visibility.ts";
import { startRetrain } from "./start.ts";

/**
 * A retrain that a schedule or a person asks for.
 *
 * **Messages**: none. **Continue-as-new**: none. **Versioning**: patched().
 */
export async function retrainRequestWorkflow(ask: Omit<RetrainAsk, "at">): Promise<RetrainDue> {
  const { model, detail } = ask;
  show({ stage: "retrain", model }, `A retrain of **${model}** is asked for: ${detail}`);
  const due = await startRetrain({ ...ask, at: logicalTime() });
  show(
    { stage: due.isDue ? "retrain:due" : `retrain:${due.refused.code}` },
    due.isDue ? `**${model}**: retrain ${due.window}` : `**${model}**: ${due.refused.message}`,
  );
  return due;
}
