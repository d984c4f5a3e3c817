/** Predictions of rows that their model was not trained on, pooled over the folds of one repeat. */
export interface OutOfFoldRows {
  readonly truth: Float64Array;
  /** One answer per row, or row-major as many as there are classes. */
  readonly prediction: Float64Array;
  /** Fold that each row validated in; rows of one group share a fold. */
  readonly fold: Int32Array;
}

/** The rows of all folds but one, and of that one, fold by fold in ascending order. */
export function* leaveOneFoldOut(
  rows: OutOfFoldRows,
): Generator<{ readonly others: OutOfFoldRows; readonly own: OutOfFoldRows; readonly index: Int32Array }> {
  for (const fold of [...new Set(rows.fold)].sort((a, b) => a - b)) {
    const inside: number[] = [];
    const outside: number[] = [];
    rows.fold.forEach((of, row) => (of === fold ? inside : outside).push(row));
    const index = Int32Array.from(inside);
    yield { others: pickRows(rows, Int32Array.from(outside)), own: pickRows(rows, index), index };
  }
}

/** Several repeats one after the other. Folds of two repeats are not to be told apart any more. */
export function joinRepeats(repeats: readonly OutOfFoldRows[]): OutOfFoldRows {
  const nRows = repeats.reduce((sum, { truth }) => sum + truth.length, 0);
  const truth = new Float64Array(nRows);
  const prediction = new Float64Array(repeats.reduce((sum, rows) => sum + rows.prediction.length, 0));
  const fold = new Int32Array(nRows);
  let at = 0;
  for (const rows of repeats) {
    truth.set(rows.truth, at);
    prediction.set(rows.prediction, at * widthOf(rows));
    fold.set(rows.fold, at);
    at += rows.truth.length;
  }
  return { truth, prediction, fold };
}

/** Answers per row. */
export function widthOf({ truth, prediction }: Pick<OutOfFoldRows, "truth" | "prediction">): number {
  return truth.length === 0 ? 1 : prediction.length / truth.length;
}

function pickRows(rows: OutOfFoldRows, index: Int32Array): OutOfFoldRows {
  const { truth, prediction, fold } = rows;
  const width = widthOf(rows);
  const picked = new Float64Array(index.length * width);
  index.forEach((row, place) =>
    picked.set(prediction.subarray(row * width, (row + 1) * width), place * width),
  );
  return {
    truth: Float64Array.from(index, (row) => truth[row]),
    prediction: picked,
    fold: Int32Array.from(index, (row) => fold[row]),
  };
}
