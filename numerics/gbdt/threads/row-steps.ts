import { HISTOGRAM_BINS } from "../kernels/kernels.ts";
import { sumLoss } from "../objectives/objective.ts";
import type { Loss, Objective, RowRange, ScoredRows } from "../objectives/objective.ts";
import { LOSSES } from "../objectives/table.ts";
import { weightedQuantile } from "../objectives/weighted-statistics.ts";
import type { StepContext } from "./context.ts";

/** What is done row by row: derivatives before a tree, scores and losses after it. */
export class RowSteps {
  readonly #context: StepContext;
  readonly #loss: Loss;
  readonly #objective: Objective;
  readonly #validationRows: ScoredRows;

  constructor(context: StepContext) {
    this.#context = context;
    const { job, views } = context;
    this.#validationRows = {
      targets: views.validationTargets,
      weights: views.validationWeights,
      censored: views.validationCensored,
      scores: views.validationScores,
      scale: views.validationScale,
    };
    this.#loss = LOSSES[job.objective.name];
    this.#objective = this.#loss.bind(views, views, job.objective);
  }

  /** Task: a chunk of rows. */
  prepare(task: number): void {
    this.#objective.prepare?.(this.#context.chunk(task));
  }

  /** Task: a chunk of rows. Argument: the score. Notes Σ|g| and Σh of the chunk. */
  derive(task: number): void {
    const { gradients, hessians, chunkSums } = this.#context.views;
    const range = this.#context.chunk(task);
    this.#derive(range);
    let gradientSum = 0;
    let hessianSum = 0;
    for (let row = range.begin; row < range.end; row++) {
      gradientSum += Math.abs(gradients[row]);
      hessianSum += hessians[row];
    }
    chunkSums[2 * task] = gradientSum;
    chunkSums[2 * task + 1] = hessianSum;
  }

  #derive(range: RowRange): void {
    const { kernel } = this.#loss;
    if (kernel === undefined) {
      this.#objective.derive(this.#context.argument(0), range);
      return;
    }
    const { layout, weights } = this.#context.views;
    const { addresses } = layout;
    this.#context.kernels[kernel](
      addresses.scores,
      addresses.targets,
      weights.length === 0 ? 0 : addresses.weights,
      addresses.gradients,
      addresses.hessians,
      range.begin,
      range.end,
    );
  }

  /** Task: a chunk of rows. Argument: 1 to list them all as rows to grow on. Notes the packed sums of the chunk. */
  pack(task: number): void {
    const { kernels, packing, views } = this.#context;
    const { gradients, hessians, packed, packedSums } = views.layout.addresses;
    const { begin, end } = this.#context.chunk(task);
    if (this.#context.argument(0) === 1) for (let row = begin; row < end; row++) views.rows[row] = row;
    const totals = packedSums + 16 * task;
    views.packedSums.fill(0, 2 * task, 2 * task + 2);
    const gradientScale = 1 / packing.gradientUnit;
    if (packing.lanes === 1) {
      kernels.packOne(gradients, packed, begin, end, gradientScale, packing.countUnit, totals);
      return;
    }
    const hessianScale = 1 / packing.hessianUnit;
    kernels.packTwo(
      gradients,
      hessians,
      packed,
      begin,
      end,
      gradientScale,
      hessianScale,
      packing.countUnit,
      totals,
    );
  }

  /**
   * Task: a piece of a leaf. Notes what its value follows from: Σg and Σh in row order, from unrounded derivatives, or, of
   * losses whose hessian says nothing, the quantile of the residuals.
   */
  sumPiece(piece: number): void {
    const { layout, sizes, pieceBegin, pieceEnd, pieceSums } = this.#context.views;
    const { gradients, hessians, rows } = layout.addresses;
    const { sumListed } = this.#context.kernels;
    const [begin, end] = [pieceBegin[piece], pieceEnd[piece]];
    const level = this.#loss.leafQuantile?.(this.#context.job.objective.settings);
    if (level !== undefined) {
      pieceSums[2 * piece] = this.#leafQuantile(level, { begin, end });
      return;
    }
    pieceSums[2 * piece] = sumListed(gradients, rows, begin, end);
    pieceSums[2 * piece + 1] = sizes.lanes === 2 ? sumListed(hessians, rows, begin, end) : end - begin;
  }

  /** Task: a piece of a leaf. Argument: the score. Adds the leaf's value to the scores of the piece's rows. */
  addPiece(piece: number): void {
    const { sizes, layout, pieceNode, pieceBegin, pieceEnd, treeValue } = this.#context.views;
    const scores = layout.addresses.scores + 8 * this.#context.argument(0) * sizes.nRows;
    const value = treeValue[pieceNode[piece]];
    this.#context.kernels.addToListed(
      scores,
      layout.addresses.rows,
      pieceBegin[piece],
      pieceEnd[piece],
      value,
    );
  }

  /** The quantile of the residuals of the leaf's rows. */
  #leafQuantile(level: number, { begin, end }: RowRange): number {
    const { rows, targets, scores, weights } = this.#context.views;
    const residuals = new Float64Array(end - begin);
    const itsWeights = new Float64Array(weights.length === 0 ? 0 : end - begin);
    for (let index = begin; index < end; index++) {
      const row = rows[index];
      residuals[index - begin] = targets[row] - scores[row];
      if (weights.length > 0) itsWeights[index - begin] = weights[row];
    }
    return weightedQuantile(residuals, itsWeights, level);
  }

  /** Task: a chunk of rows. Argument: the score. Rows left out by bagging lie in no leaf's segment. */
  addUndrawn(task: number): void {
    const { isDrawn, scores, columnBins, sizes } = this.#context.views;
    const offset = this.#context.argument(0) * sizes.nRows;
    const { begin, end } = this.#context.chunk(task);
    for (let row = begin; row < end; row++) {
      if (isDrawn[row] === 0) scores[offset + row] += this.#leafValue(columnBins, sizes.nRows, row);
    }
  }

  /** Task: a chunk of validation rows. Argument: the score. */
  addValidation(task: number): void {
    const { validationScores, validationBins, sizes } = this.#context.views;
    const offset = this.#context.argument(0) * sizes.nValidationRows;
    const { begin, end } = this.#context.validationChunk(task);
    for (let row = begin; row < end; row++) {
      validationScores[offset + row] += this.#leafValue(validationBins, sizes.nValidationRows, row);
    }
  }

  /** What the present tree adds to a binned row: the same leaf as by raw values, from an eighth of the memory. */
  #leafValue(bins: Uint8Array, nRows: number, row: number): number {
    const { treeFeature, treeSides, treeLeft, treeRight, treeValue } = this.#context.views;
    let node = 0;
    while (treeFeature[node] >= 0) {
      const bin = bins[treeFeature[node] * nRows + row];
      node = treeSides[node * HISTOGRAM_BINS + bin] === 1 ? treeLeft[node] : treeRight[node];
    }
    return treeValue[node];
  }

  /** Task: a chunk of rows, or of validation rows. Notes its part of the scatter of targets about scores. */
  sumSquares(task: number, side: "training" | "validation"): void {
    const { views } = this.#context;
    const isTraining = side === "training";
    const range = isTraining ? this.#context.chunk(task) : this.#context.validationChunk(task);
    const rows = isTraining ? views : this.#validationRows;
    views.chunkSums[task] = this.#loss.scatter?.sumSquares(rows, range) ?? 0;
  }

  /** Task: a chunk of validation rows. Notes its loss. */
  sumLoss(task: number): void {
    const range = this.#context.validationChunk(task);
    this.#context.views.chunkSums[task] = sumLoss(
      this.#loss,
      this.#validationRows,
      range,
      this.#context.job.objective,
    );
  }
}
