import { selectRows } from "../../numerics/matrix.ts";
import type { Matrix } from "../../numerics/matrix.ts";
import { predict } from "../../numerics/model.ts";
import type { OutputCap } from "../../numerics/model.ts";
import type { TrainingHooks } from "../../numerics/training-hooks.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { averageModels } from "../../numerics/model-average.ts";
import { fitCandidate } from "./fit-candidate.ts";
import type { FitTarget } from "./fit-candidate.ts";
import type { FoldRows } from "./fold-rows.ts";

export interface FoldJob {
  readonly matrix: Matrix;
  /** Columns of category codes. */
  readonly categorical: readonly number[];
  readonly featureNames: readonly string[];
  readonly target: FitTarget;
  readonly rows: FoldRows;
  /** null: the constant baseline. */
  readonly candidate: Candidate | null;
  readonly seed: number;
  readonly bounds: OutputCap | null;
}

export interface FoldOutput {
  /** Row-major (validation rows × outputs). */
  readonly predictions: Float64Array;
  /** Mean rounds kept by early stopping over the seeds; null where nothing is boosted. */
  readonly bestIteration: number | null;
}

/** Trains one candidate on one fold, all its seeds, and predicts the fold's validation rows. */
export function trainOneFold(job: FoldJob, hooks: TrainingHooks): FoldOutput {
  const { matrix, categorical, featureNames, target, rows, candidate, bounds } = job;
  const nSeeds = candidate?.seeds ?? 1;
  const { train, earlyStop } = sidesOf(rows, candidate);
  const fits = Array.from({ length: nSeeds }, (_, i) =>
    fitCandidate(
      {
        matrix,
        categorical,
        featureNames,
        target,
        candidate,
        trainRows: train,
        earlyStopRows: earlyStop,
        seed: job.seed + i,
      },
      hooks,
    ),
  );
  const model = averageModels(fits.map((fit) => fit.model));
  const predictions = predict(model, selectRows(matrix, rows.validate), bounds ?? undefined).values;
  const iterations = fits.flatMap((fit) => (fit.bestIteration === null ? [] : [fit.bestIteration]));
  const bestIteration =
    iterations.length === 0 ? null : iterations.reduce((sum, n) => sum + n, 0) / iterations.length;
  return { predictions, bestIteration };
}

/** Rows kept apart for early stopping are learnt from by whatever does not stop early. */
function sidesOf(rows: FoldRows, candidate: Candidate | null): Pick<FoldRows, "train" | "earlyStop"> {
  const { train, earlyStop } = rows;
  if (candidate?.kind === "gbdt" && candidate.params["earlyStoppingRounds"] !== 0)
    return { train, earlyStop };
  const all = joined(train, earlyStop);
  return { train: all, earlyStop: new Int32Array() };
}

function joined(a: Int32Array, b: Int32Array): Int32Array {
  const all = new Int32Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all.sort();
}
