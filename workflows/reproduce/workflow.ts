import type { ReproduceInput, ReproduceResult } from "../../activities/reproduction/messages.ts";
import type { RunStage } from "../../schemas/runs/run.ts";
import { reproduction } from "../activity-proxies.ts";
import type { Stages, StageOutcome } from "../pipeline/stages.ts";
import { trainAndEvaluate } from "../pipeline/workflow.ts";
import { show } from "../visibility.ts";

/**
 * Trains a registered version again from what was recorded of it and holds the two beside each other. The steps are
 * those of a run; none is taken from the cache, and nothing is registered, published or promoted.
 *
 * **Messages**: none. **Idempotency**: the workflow id names the version. **Versioning**: patched().
 */
export async function reproduceWorkflow(input: ReproduceInput): Promise<ReproduceResult> {
  const { model, version } = input;
  show({ stage: "reproduce", model, version: String(version) }, `Making **${model}@${version}** again`);
  const planned = await reproduction.planReproduction(input);
  const { plan, spec, pipeline, dataset, manifest, split, holdoutHash } = planned;
  const { evaluated } = await trainAndEvaluate(
    plan,
    { spec, model, pipeline },
    {
      data: { dataset, manifest },
      split: { split, holdoutHash },
      log: new ShownStages(`${model}@${version}`),
    },
  );
  const result = await reproduction.compareReproduction({
    ...input,
    searches: planned.searches,
    manifest: evaluated.manifest,
    evaluation: evaluated.evaluation,
  });
  show(
    { stage: result.equal ? "equal" : "different" },
    `**${model}@${version}** ${result.equal ? "came out byte for byte" : "came out different"}\n\n` +
      result.stages.map((stage) => `- ${stage.stage}: ${stage.detail}`).join("\n"),
  );
  return result;
}

/** A reproduction is no run: its stages are shown on its own page and written nowhere. */
class ShownStages implements Stages {
  readonly #subject: string;

  constructor(subject: string) {
    this.#subject = subject;
  }

  async run<T>(stage: RunStage, work: () => Promise<T>, _describe: (result: T) => StageOutcome): Promise<T> {
    show({ stage }, `Making **${this.#subject}** again: ${stage}`);
    return work();
  }
}
