import { join } from "node:path";
import { auraCommand } from "../aura-command.ts";
import type { SuiteContext } from "../suite.ts";
import { measurePeer } from "../peer.ts";
import { pipelineFile } from "./pipeline-file.ts";
import { PIPELINE_SPECS } from "./specs.ts";

const RUN_TIMEOUT_MS = 600_000;
const METRICS = [
  ["f1", PIPELINE_SPECS.ai4iF1],
  ["rocAuc", PIPELINE_SPECS.ai4iRocAuc],
  ["averagePrecision", PIPELINE_SPECS.ai4iAveragePrecision],
] as const;

/**
 * AI4I through the whole product. The figures are `metrics.cv`: pooled out-of-fold predictions, averaged over
 * the fold seeds that the pipeline file declares (`split.repeats`), thresholds chosen on inner folds.
 */
export async function measureAi4i(context: SuiteContext, data: string): Promise<void> {
  const seed = 7;
  const aura = auraCommand(context.root, join(context.scratch, "ai4i"));
  const pipeline = pipelineFile(context, "milling", "forest");
  const args = [pipeline, "--data", data, "--approve-as", "bench@example.com", "--seed", String(seed)];
  const report = await aura.train(args, RUN_TIMEOUT_MS);
  await aura.run(["down"], 60_000);
  const peer = await measurePeer(context, "lightgbm_ai4i.py", [data, "7", "8", "9"]);
  for (const [metric, spec] of METRICS) {
    const peerValue = peer?.metrics[metric];
    context.row(spec, {
      ours: report.metrics.cv[metric] ?? Number.NaN,
      seed,
      ...(peer === undefined || peerValue === undefined
        ? {}
        : { peer: peerValue, peerVersion: peer.version }),
    });
  }
  context.say(
    `AI4I ${report.outcome}; holdout: ${METRICS.map(([metric]) => `${metric} ${report.metrics.test[metric]?.toFixed(3)}`).join(", ")}`,
  );
}
