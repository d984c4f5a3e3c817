import { gainImportance } from "../../numerics/explain/gain-importance.ts";
import type { OutputCap, TrainedModel } from "../../numerics/model.ts";
import { exportOnnx } from "../../numerics/onnx/export.ts";
import { checkOnnx } from "../../numerics/onnx/inspection/inspect.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";

export interface ExportJob {
  readonly model: TrainedModel;
  readonly featureNames: readonly string[];
  readonly classLabels: readonly string[] | null;
  readonly bounds: OutputCap | null;
}

export interface ExportOutput {
  readonly onnx: Uint8Array;
  /** Gain per feature, largest first; empty for models without trees. */
  readonly importance: readonly { readonly feature: string; readonly gain: number }[];
}

/** Writes the graph and puts it through the same static checks as a model from elsewhere. */
export function exportGraph(job: ExportJob, _hooks: TrainingHooks): ExportOutput {
  const { model, featureNames, classLabels, bounds } = job;
  const onnx = exportOnnx(model, {
    featureNames,
    taskKind: model.taskKind,
    ...(classLabels === null ? {} : { classLabels }),
    ...(bounds === null ? {} : { cap: bounds }),
  });
  checkOnnx(onnx);
  const gains = gainImportance(model);
  const importance = featureNames
    .map((feature, i) => ({ feature, gain: gains[i] ?? 0 }))
    .filter((row) => row.gain > 0)
    .sort((a, b) => b.gain - a.gain || (a.feature < b.feature ? -1 : 1));
  return { onnx, importance: importance.slice(0, 50) };
}
