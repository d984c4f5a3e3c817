/**
 * What a forest's split gains and what its leaves answer: the port that the grower works on.
 *
 *   regression, binary   `variance-criterion.ts`, drop of the weighted variance (for 0/1 targets the
 *                        variance is half the Gini impurity, so both rank alike)
 *   multi-class          `gini-criterion.ts`, drop of the Gini impurity
 *   binary, unweighted   `count-criterion.ts`, for extra trees: the variance by counting
 *
 * Both search one feature of one node at a time: a forest looks at few features per node, so counting
 * all and subtracting siblings, as boosting does, would not pay.
 */
import type { Split } from "../gbdt/splitting.ts";

/** Rows of a node: `rows[begin … end)`, each once however often it was drawn. */
export interface NodeRows {
  readonly rows: Int32Array;
  readonly begin: number;
  readonly end: number;
}

/** A feature of one node. */
export interface NodeFeature {
  readonly index: number;
  readonly nValueBins: number;
  /** Bins of the node's rows, in their order, 0 for missing; the search may overwrite them. */
  readonly codes: Uint16Array;
  /** Least and greatest bin of those that are not missing; `highest` is 0 where all are. */
  readonly lowest: number;
  readonly highest: number;
  readonly hasMissing: boolean;
}

export interface CriterionOptions {
  /** Fewest drawn rows of a leaf, a row drawn twice counted twice. */
  readonly minSamplesLeaf: number;
}

export interface Criterion {
  /** Outputs per leaf. */
  readonly width: number;
  /** Rows count from now on within this node, whose r-th row is row r; null: within the table again. */
  focus(node: NodeRows | null): void;
  /** Prepares the search of one node; returns what a split must gain more than, Infinity for never. */
  enter(node: NodeRows): number;
  /** Improves `best` with the best split of one feature of the node entered. */
  scan(node: NodeRows, feature: NodeFeature, best: Split): void;
  /** Improves `best` with one border, after bin `border`: rows lie on both sides, and none is missing. */
  tryBorder(node: NodeRows, feature: NodeFeature, border: number, best: Split): void;
  /** Writes a leaf's outputs, `width` numbers, to the place `at` of `values`. */
  writeLeaf(node: NodeRows, values: Float64Array, at: number): void;
}

/** How often each of `nRows` rows was drawn. */
export function countDraws(drawn: Int32Array, nRows: number): Float64Array {
  const draws = new Float64Array(nRows);
  for (const row of drawn) draws[row] += 1;
  return draws;
}

/** The values of a node's rows, side by side. */
export function pickRows(values: Float64Array, { rows, begin, end }: NodeRows, width = 1): Float64Array {
  const picked = new Float64Array((end - begin) * width);
  for (let index = begin; index < end; index++) {
    for (let lane = 0; lane < width; lane++) {
      picked[(index - begin) * width + lane] = values[rows[index] * width + lane];
    }
  }
  return picked;
}
