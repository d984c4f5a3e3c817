import {
  CancellationScope,
  WorkflowIdReusePolicy,
  executeChild,
  isCancellation,
  patched,
} from "@temporalio/workflow";
import type { LiveExtract } from "../../activities/retraining/live-extract.ts";
import type { RetrainFinish, RetrainInput } from "../../activities/retraining/messages.ts";
import type { PipelineResult } from "../../activities/runs/messages.ts";
import { pipelineWorkflowId, TASK_QUEUES } from "../../temporal-config/constants.ts";
import { extracts, retraining } from "../activity-proxies.ts";
import { causeOf } from "../failure-cause.ts";
import { pipelineWorkflow } from "../pipeline/workflow.ts";
import { show } from "../visibility.ts";

/** Of why a version was refused; the gates themselves are in its run. */
const MOST_CHARACTERS = 2_000;

/**
 * One retrain per model and window: the newest files of the pipeline through the whole pipeline, up to its approval. Its row
 * is open until it ends, so that no other one of the model starts meanwhile.
 *
 * **Messages**: none; the decision goes to the approval child of the pipeline run. **Versioning**: patched().
 */
export async function retrainWorkflow(input: RetrainInput): Promise<PipelineResult> {
  const { model, window, reason } = input;
  show({ stage: "retrain", model }, `Retraining **${model}**: ${reason}`);
  try {
    const result = await runPipeline(input);
    if (patched("recorded-retrain")) {
      await retraining.finishRetrain({ model, window, state: "finished", ...outcomeOf(result) });
      show({ stage: `retrain:${result.outcome}` }, `**${model}**: retrained, ${result.outcome}`);
    }
    return result;
  } catch (error) {
    if (patched("recorded-retrain"))
      await CancellationScope.nonCancellable(() =>
        retraining.finishRetrain({ model, window, ...endOf(error) }),
      );
    throw error;
  }
}

async function runPipeline(input: RetrainInput): Promise<PipelineResult> {
  const { model, window } = input;
  // Opened before anything is done, or a second one could begin meanwhile.
  const isExtracting = patched("live-extract");
  if (isExtracting) await retraining.beginRetrain(input);
  const asOf = new Date().toISOString();
  const live = isExtracting ? await extracts.extractLive({ model, window, asOf }) : undefined;
  if (live !== undefined) show({ stage: "retrain:extracted" }, extractText(input, live));
  const { pipelineInput, inputHash } = await retraining.prepareRetrain({
    ...input,
    ...(live === undefined ? {} : { live: live.files }),
  });
  return executeChild(pipelineWorkflow, {
    workflowId: pipelineWorkflowId(pipelineInput.pipeline, inputHash),
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    taskQueue: TASK_QUEUES.control,
    staticSummary: `Retrain ${input.model}: ${input.reason}`.slice(0, 190),
    args: [pipelineInput],
  });
}

function extractText({ model, reason }: RetrainInput, live: LiveExtract): string {
  const { readings, failures, until, notTaken } = live;
  const bound =
    until === undefined ? "" : `, until ${until}: of what came later failures may be reported yet`;
  const taken = `${readings} stored readings and ${failures} reported failures are new${bound}`;
  return `Retraining **${model}**: ${reason}\n\n- ${notTaken === undefined ? taken : `stored readings are not taken: ${notTaken}`}`;
}

function outcomeOf({ outcome, gates }: PipelineResult): Pick<RetrainFinish, "outcome" | "message"> {
  if (outcome !== "refused") return { outcome };
  const failed = gates.filter(({ passed }) => !passed).map(({ detail }) => detail);
  return failed.length === 0
    ? { outcome }
    : { outcome, message: failed.join("; ").slice(0, MOST_CHARACTERS) };
}

function endOf(error: unknown): { readonly state: "failed" | "cancelled"; readonly message: string } {
  return { state: isCancellation(error) ? "cancelled" : "failed", message: causeOf(error).message };
}
