import { percentileIntervals } from "../evaluation/bootstrap.ts";
import { computeMetrics } from "../metrics/compute-metrics.ts";
import { createGenerator } from "../random/generator.ts";
import { ascendingOrder } from "../stats/rank.ts";
import type { Estimate } from "./error-model.ts";
import { expectedBinaryMetrics, expectedClassMetrics } from "./expected-metrics.ts";

/** Answers of a model of classes that nobody knows the truth of. */
export interface ClassAnswers {
  readonly problem: "binary" | "multiclass";
  /** Calibrated: of class 1, or row-major (nRows × nClasses). */
  readonly probability: Float64Array;
  /** 2 for binary. */
  readonly nClasses: number;
  /** Binary: alert from this on. */
  readonly threshold: number;
  /** Code of each row: rows of one asset turn out alike. */
  readonly groups: Int32Array;
}

/** Draws of what may turn out; more would move the ends of a 95 % band by little. */
const N_DRAWS = 200;
const LEVEL = 0.95;
/** Of more rows an even sample is drawn for; the expectation is always of all. */
const MOST_DRAWN = 20_000;

/**
 * Expected metrics, and the band in which the realized ones would lie if the probabilities are right: percentiles over draws of
 * the truth. In a draw one number decides all rows of a group, as an asset fails or does not: bands are as wide as if each asset
 * were one piece of evidence.
 *
 * @throws {RangeError} when there is no row
 */
export function estimateClasses(answers: ClassAnswers, seed: number): Estimate {
  const { problem, probability, nClasses, threshold } = answers;
  const metrics =
    problem === "binary"
      ? expectedBinaryMetrics(probability, threshold)
      : expectedClassMetrics(probability, nClasses);
  const intervals = Object.entries(bands(answers, seed)).map(
    ([key, { low, high }]) => [key, [low, high]] as const,
  );
  return { metrics, intervals: Object.fromEntries(intervals) };
}

function bands(answers: ClassAnswers, seed: number) {
  const sample = sampleOf(answers);
  const { problem, probability, nClasses, threshold, groups } = sample;
  const generator = createGenerator(seed).fork("estimate");
  const truth = new Float64Array(groups.length);
  const ids = [...new Set(groups)];
  const draw = (): Record<string, number> => {
    const chance = new Map(ids.map((group) => [group, generator.next()]));
    groups.forEach((group, row) => {
      const u = chance.get(group) ?? 0;
      truth[row] =
        problem === "binary"
          ? Number(u < probability[row])
          : drawnClass(probability, row * nClasses, u, nClasses);
    });
    return computeMetrics(problem, truth, probability, problem === "binary" ? { threshold } : { nClasses });
  };
  return percentileIntervals(draw, { nResamples: N_DRAWS, level: LEVEL });
}

/** An even sample; of two classes sorted by probability, so that a draw costs no sort. */
function sampleOf(answers: ClassAnswers): ClassAnswers {
  const { problem, probability, nClasses, groups } = answers;
  const step = Math.ceil(groups.length / MOST_DRAWN);
  const rows = Int32Array.from({ length: Math.ceil(groups.length / step) }, (_, i) => i * step);
  const width = problem === "binary" ? 1 : nClasses;
  const order =
    problem === "binary"
      ? ascendingOrder(Float64Array.from(rows, (row) => probability[row])).map((place) => rows[place])
      : rows;
  const taken = new Float64Array(order.length * width);
  order.forEach((row, i) => taken.set(probability.subarray(row * width, (row + 1) * width), i * width));
  return { ...answers, probability: taken, groups: Int32Array.from(order, (row) => groups[row]) };
}

function drawnClass(probability: Float64Array, at: number, u: number, nClasses: number): number {
  let left = u;
  for (let k = 0; k < nClasses - 1; k++) {
    left -= probability[at + k];
    if (left < 0) return k;
  }
  return nClasses - 1;
}
