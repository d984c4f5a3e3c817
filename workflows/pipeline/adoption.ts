import type { AdoptResult } from "../../activities/adoption/messages.ts";
import type { LeakageResult } from "../../activities/features/messages.ts";
import type { PipelineInput, RunPlan } from "../../activities/runs/messages.ts";
import type { ImportedModel } from "../../schemas/models/model-import.ts";
import { adoption, evaluation, training } from "../activity-proxies.ts";
import type { EvaluatedModel, Snapshot } from "./snapshot.ts";
import type { Stages } from "./stages.ts";
import { featureSetOf, prepareFeatures } from "./training.ts";

/**
 * In the place of training: a model from elsewhere is checked, brought into the served form, and evaluated on the same
 * frozen rows as one that was trained here.
 */
export async function adoptAndEvaluate(
  plan: RunPlan,
  input: Pick<PipelineInput, "spec" | "model">,
  given: Snapshot & { readonly log: Stages; readonly imported: ImportedModel },
): Promise<EvaluatedModel> {
  const { data, split, log, imported } = given;
  const { runId } = plan;
  const { spec, model } = input;
  const prepared = await log.run(
    "transform",
    () => prepareFeatures(plan, input, { ingest: data, split }),
    (r) => ({ detail: `${r.nFeatures} features of ${r.rows} rows`, isReused: r.isReused }),
  );
  const { fit } = prepared;
  const featureSet = featureSetOf(prepared, fit.final);
  const file = imported.file.object;
  const base = { runId, spec, split: split.split, featureSet };
  const adopted = await log.run(
    "train",
    async (): Promise<{ leakage: LeakageResult; graph: AdoptResult }> => ({
      leakage: await training.checkLeakage({ ...base, dataset: data.manifest }),
      graph: await adoption.adoptModel({ runId, spec, featureSet, file, signature: imported.signature }),
    }),
    () => ({ detail: `imported ${imported.file.name.slice(0, 64)} [${file.sha256.slice(0, 12)}]` }),
  );
  const evaluated = await log.run(
    "evaluate",
    () =>
      evaluation.evaluateForeignModel({
        ...base,
        model,
        dataset: data.manifest,
        datasetId: data.dataset,
        holdoutHash: split.holdoutHash,
        view: fit.view,
        fitted: fit.final,
        selection: adopted.graph.selection,
        onnx: adopted.graph.onnx,
        leakage: adopted.leakage.checks,
        origin: { kind: "imported", file: file.sha256 },
      }),
    (r) => ({
      detail: `${adopted.graph.primaryMetric} ${r.metrics.test[adopted.graph.primaryMetric] ?? "–"} (test)`,
      isReused: r.isReused,
    }),
  );
  return { featureSet, evaluated };
}
