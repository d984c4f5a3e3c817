import type { PredictionWindow, VersionPrediction } from "../../stores/postgres/port.ts";
import type { SampledBy } from "../../stores/postgres/port/predictions.ts";
import { evidenceGroups } from "../evaluation/evidence-groups.ts";
import { listAt, MOST_ROWS, readTraced } from "../monitoring/traced-rows.ts";
import type { JudgedVersion, PerformanceDeps } from "./judged-version.ts";
import { learntRows } from "./learnt-rows.ts";

/** Predictions of a window with what the model answered. */
export interface PredictedRows {
  /** In the window; `rows` may be an even sample. */
  readonly total: number;
  /** About rows that the version learnt from, of those looked at: none of them is in `rows`. */
  readonly learnt: number;
  readonly rows: readonly VersionPrediction[];
  /** Row-major (rows × width): the value, the probability or score, or a probability per class. */
  readonly answers: Float64Array;
  readonly width: number;
}

/**
 * The predictions of a version in a window, from the index. Of more than two classes the index has the likeliest alone: the others
 * are read from the segments, and rows whose segment is not shipped yet are left out. So are those that the version learnt from,
 * here and nowhere else: reports, degradation, estimates and the quality guard of a rollout all ask this.
 */
export async function predictedRows(
  deps: PerformanceDeps,
  version: Pick<JudgedVersion, "problem" | "row" | "view">,
  window: PredictionWindow,
  by?: SampledBy,
): Promise<PredictedRows> {
  const { problem } = version;
  const { total, rows: found } = await deps.db.predictions.ofVersion(window, MOST_ROWS, by);
  const isLearnt = await learntRows(deps, version, found);
  const rows = found.filter((row) => !isLearnt(row));
  const learnt = found.length - rows.length;
  if (problem.kind !== "multiclass")
    return { total, learnt, rows, answers: Float64Array.from(rows, ({ value }) => value), width: 1 };
  return withOutputs(deps, { total, learnt, rows, width: problem.nClasses });
}

async function withOutputs(
  { db, objects }: PerformanceDeps,
  { total, learnt, rows, width }: Omit<PredictedRows, "answers">,
): Promise<PredictedRows> {
  const outputs: Float64Array[] = [];
  await readTraced({ objects, predictions: db.predictions }, rows, (table, row, place) => {
    outputs[place] = listAt(table, "outputs", row);
  });
  const places = [...rows.keys()].filter((place) => outputs[place]?.length === width);
  const answers = new Float64Array(places.length * width);
  places.forEach((place, i) => answers.set(outputs[place] ?? [], i * width));
  const read = rows.filter((_, place) => outputs[place]?.length === width);
  return { total, learnt, rows: read, answers, width };
}

/** One number per asset, or per prediction where none is known: rows of one asset are less evidence than as many assets. */
export function groupsOf(rows: readonly Pick<VersionPrediction, "asset">[]): Int32Array {
  const codes = new Map<string, number>();
  let next = 0;
  const groups = Int32Array.from(rows, ({ asset }) => {
    if (asset === null) return next++;
    const known = codes.get(asset);
    if (known !== undefined) return known;
    codes.set(asset, next);
    return next++;
  });
  return rows.length === 0 ? groups : evidenceGroups(groups);
}
