import type { ScoreInput, ScoreResult } from "../../activities/scoring/messages.ts";
import { features, ingest, scoring } from "../activity-proxies.ts";
import { show } from "../visibility.ts";

/**
 * Which machine fails when: newest readings of a fleet through the champion's own features, ranked by risk or by
 * remaining life.
 *
 * **Messages**: none. **Idempotency**: the workflow id names model digest and files. **Versioning**: patched().
 */
export async function scoreWorkflow(input: ScoreInput): Promise<ScoreResult> {
  const { jobId, model } = input;
  show({ stage: "score", model }, `Scoring a fleet with **${model}**`);
  const plan = await scoring.planScore(input);
  const data = await ingest.ingestDataset({ runId: jobId, spec: plan.spec, files: input.files });
  const { view, fitted, spec } = plan;
  const set = await features.transformFeatures({
    runId: jobId,
    spec,
    dataset: data.manifest,
    view,
    fitted,
    hasLabel: false,
    isPublished: false,
  });
  const result = await scoring.scoreFleet({
    ...plan,
    jobId,
    model,
    dataset: data.dataset,
    featureSet: set.featureSet,
  });
  show(
    { stage: "scored", dataset: data.dataset.slice(0, 16) },
    `**${result.assets}** assets ranked by ${model}@${plan.version}`,
  );
  return result;
}
