import { selectRows } from "../../numerics/matrix.ts";
import type { Matrix } from "../../numerics/matrix.ts";
import { predict } from "../../numerics/model.ts";
import type { OutputCap, TrainedModel } from "../../numerics/model.ts";
import { thresholdProbes } from "../../numerics/onnx/parity.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";

export interface PredictJob {
  readonly model: TrainedModel;
  readonly matrix: Matrix;
  readonly rows: Int32Array;
  readonly bounds: OutputCap | null;
  /** Extra rows at the model's thresholds ± 1 ulp and with missing values. */
  readonly nProbes: number;
  readonly seed: number;
}

export interface PredictOutput {
  /** The rows themselves, probes last; row-major. */
  readonly inputs: Float64Array;
  readonly nRows: number;
  /** The trainer's own answers, row-major (nRows × outputs). */
  readonly outputs: Float64Array;
  readonly nOutputs: number;
}

/** The trainer's answers that the graph must agree with. */
export function predictRows(job: PredictJob, _hooks: TrainingHooks): PredictOutput {
  const { model, matrix, rows, nProbes } = job;
  const chosen = selectRows(matrix, rows);
  const probes = thresholdProbes(model, nProbes, job.seed);
  const nRows = rows.length + nProbes;
  const inputs = new Float64Array(nRows * matrix.nColumns);
  inputs.set(chosen.data, 0);
  inputs.set(probes.data, chosen.data.length);
  const { values, nOutputs } = predict(
    model,
    { data: inputs, nRows, nColumns: matrix.nColumns },
    job.bounds ?? undefined,
  );
  return { inputs, nRows, outputs: values, nOutputs };
}
