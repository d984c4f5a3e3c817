import type { Matrix } from "../../numerics/matrix.ts";

/**
 * The table with every feature that a candidate does not see set to 0: a constant column is never split on and gets no
 * weight, so that the model takes all features when it is served and looks at the chosen ones alone.
 *
 * @param patterns names separated by blanks, in which `*` stands for any text and `?` for one character
 * @returns the matrix itself where all features are chosen; otherwise a copy
 * @throws {RangeError} when no feature is chosen
 */
export function hideColumns(matrix: Matrix, names: readonly string[], patterns: string): Matrix {
  const isHidden = hiddenColumns(names, patterns);
  if (!isHidden.includes(true)) return matrix;
  if (!isHidden.includes(false)) {
    throw new RangeError(`features must match one of the ${names.length} features or more, got ${patterns}`);
  }
  const data = matrix.data.slice();
  for (let at = 0; at < data.length; at += matrix.nColumns) {
    for (let column = 0; column < matrix.nColumns; column++) {
      if (isHidden[column] === true) data[at + column] = 0;
    }
  }
  return { ...matrix, data };
}

function hiddenColumns(names: readonly string[], patterns: string): boolean[] {
  const tests = patterns.trim().split(/\s+/).map(expressionOf);
  return names.map((name) => !tests.some((test) => test.test(name)));
}

/** Runs of `*` are one, so that no pattern takes long to fail. */
function expressionOf(pattern: string): RegExp {
  const text = pattern
    .replaceAll(/\*+/g, "*")
    .replaceAll(/[\\^$.+()[\]{}|]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${text}$`, "su");
}
