import { freezeReference } from "../../numerics/drift/reference.ts";
import type { DriftReference } from "../../numerics/drift/reference.ts";
import type { Matrix } from "../../numerics/matrix.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";

/** Name of the model's own output among the watched columns; no feature may have it (names come from columns). */
export const SCORE_COLUMN = "\u2192 score";

export interface ReferenceJob {
  readonly matrix: Matrix;
  readonly featureNames: readonly string[];
  readonly rows: Int32Array;
  /** Headline output of each of these rows. */
  readonly scores: Float64Array;
  /** Asset of each row of the matrix: rows of one asset are less evidence than as many assets. */
  readonly assetCodes: Int32Array;
}

/** What inputs and answers looked like on the training rows: what drift is measured against. */
export function freezeModelReference(job: ReferenceJob, _hooks: TrainingHooks): DriftReference {
  const { matrix, rows } = job;
  const columns = job.featureNames.map((name, column) => ({
    name,
    kind: "numeric" as const,
    values: Float64Array.from(rows, (row) => matrix.data[row * matrix.nColumns + column] as number),
  }));
  const groups = Int32Array.from(rows, (row) => job.assetCodes[row] as number);
  return freezeReference([...columns, { name: SCORE_COLUMN, kind: "numeric", values: job.scores }], {
    groups,
  });
}
