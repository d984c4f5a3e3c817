import { freezeReference } from "../../numerics/drift/reference.ts";
import type { DriftColumn, DriftReference } from "../../numerics/drift/reference.ts";
import type { Matrix } from "../../numerics/matrix.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import { evidenceGroups } from "./evidence-groups.ts";

/** Name of the model's own output among the watched columns; no feature may have it (names come from columns). */
export const SCORE_COLUMN = "\u2192 score";

/** What the numbers of a category stand for: texts in code order, by feature. */
export type CategoryTexts = Readonly<Record<string, readonly string[]>>;

export interface ReferenceJob {
  readonly matrix: Matrix;
  readonly featureNames: readonly string[];
  readonly categories: CategoryTexts;
  readonly rows: Int32Array;
  /** Headline output of each of these rows. */
  readonly scores: Float64Array;
  /** Names of the answers where they are classes; the score is then a class. */
  readonly scoreTexts: readonly string[] | null;
  /** Asset of each row of the matrix: rows of one asset are less evidence than as many assets. */
  readonly assetCodes: Int32Array;
  /** Time of each row of the matrix. */
  readonly times: Float64Array;
}

/** What inputs and answers looked like on the training rows: what drift is measured against. */
export function freezeModelReference(job: ReferenceJob, _hooks: TrainingHooks): DriftReference {
  const { matrix, rows } = job;
  const columns = job.featureNames.map((name, column): DriftColumn => {
    const values = Float64Array.from(rows, (row) => matrix.data[row * matrix.nColumns + column] as number);
    const texts = job.categories[name];
    return texts === undefined
      ? { name, kind: "numeric", values }
      : { name, kind: "categorical", values: textsOf(values, texts) };
  });
  const score: DriftColumn =
    job.scoreTexts === null
      ? { name: SCORE_COLUMN, role: "score", kind: "numeric", values: job.scores }
      : {
          name: SCORE_COLUMN,
          role: "score",
          kind: "categorical",
          values: textsOf(job.scores, job.scoreTexts),
        };
  return freezeReference([...columns, score], {
    groups: evidenceGroups(Int32Array.from(rows, (row) => job.assetCodes[row] as number)),
    times: Float64Array.from(rows, (row) => job.times[row] as number),
  });
}

/** Texts of category codes; null for what has none. */
export function textsOf(codes: Float64Array, texts: readonly string[]): (string | null)[] {
  return Array.from(codes, (code) => texts[code] ?? null);
}
