/**
 * Parzen estimators: a density over points, made of one bump per observed point and a wide one for what is not known
 * yet. Dimensions are judged together: a bump is the product of its dimensions' kernels, so that what goes well together
 * is found together.
 *
 *   p(x) = Σ_k w_k Π_d K_d(x_d; point k)
 *
 * Kernels of numbers are normals cut off at the bounds; a kernel is as wide as the distance to the farther neighbour, at
 * least (high − low) / min(100, n + 2), at most high − low. Discrete values have the mass of their cell. Kernels of
 * choices give the observed one its place and 1 / (n + 1) to all.
 *
 * Source: Bergstra et al. 2011 (NeurIPS 24); kernels and weights as in Optuna 5 (`_ParzenEstimator`). Checked by what
 * the search comes to: tests/peers/search.
 */
import type { Generator } from "../random/generator.ts";
import { normalCdf } from "../stats/normal.ts";
import type { ChoiceDimension, Dimension, NumberDimension } from "./space.ts";
import { coordinateRange, stepOf } from "./space.ts";

/** A density over points; a coordinate per dimension, or the place of a choice. */
export interface Density {
  readonly sample: (generator: Generator) => number[];
  /** Logarithm of the density, or of the mass where values are discrete. */
  readonly log: (at: readonly number[]) => number;
}

/** One dimension's kernels, one per observation and the wide one last. */
interface Kernels {
  readonly sample: (kernel: number, generator: Generator) => number;
  readonly log: (kernel: number, at: number) => number;
}

/** Observations beyond this many count less the older they are. */
const FULL_WEIGHT_COUNT = 25;

/** Weights of n observations, oldest first: 1 for the newest 25, rising from 1/n to 1 over the older ones. */
export function ageWeights(n: number): Float64Array {
  const nRamp = n - FULL_WEIGHT_COUNT;
  return Float64Array.from({ length: n }, (_, place) =>
    place >= nRamp ? 1 : nRamp === 1 ? 1 / n : 1 / n + ((1 - 1 / n) * place) / (nRamp - 1),
  );
}

/**
 * @param observed points, oldest first: a coordinate per dimension, or the place of a choice
 *
 * Cost: a sample O(dimensions), a logarithm O(observed · dimensions).
 */
export function parzenDensity(
  dimensions: readonly Dimension[],
  observed: readonly (readonly number[])[],
): Density {
  const weights = [...ageWeights(observed.length), 1];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const logWeights = Float64Array.from(weights, (weight) => Math.log(weight / total));
  const kernels = dimensions.map((dimension, d) => {
    const own = observed.map((point) => point[d]);
    return dimension.kind === "choice" ? choiceKernels(dimension, own) : numberKernels(dimension, own);
  });
  return {
    sample: (generator) => {
      const kernel = pick(weights, total, generator);
      return kernels.map((of) => of.sample(kernel, generator));
    },
    log: (at) => {
      const logs = logWeights.map((weight, kernel) =>
        kernels.reduce((sum, of, d) => sum + of.log(kernel, at[d]), weight),
      );
      const top = Math.max(...logs);
      return top + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - top), 0));
    },
  };
}

function pick(weights: readonly number[], total: number, generator: Generator): number {
  let left = generator.next() * total;
  for (let place = 0; place < weights.length; place++) {
    left -= weights[place];
    if (left < 0) return place;
  }
  return weights.length - 1;
}

interface Range {
  readonly low: number;
  readonly high: number;
}

function numberKernels(dimension: NumberDimension, observed: readonly number[]): Kernels {
  const range = coordinateRange(dimension);
  const centres = [...observed, (range.low + range.high) / 2];
  const widths = kernelWidths(observed, range);
  const logInside = centres.map((centre, k) =>
    Math.log(Math.max(massOf(range, centre, widths[k]), Number.MIN_VALUE)),
  );
  const isDiscrete = stepOf(dimension) > 0;
  return {
    sample: (kernel, generator) => {
      // A bump lies within the bounds, so that at least a fifth of its mass does: this ends soon.
      for (let attempt = 0; attempt < 200; attempt++) {
        const drawn = centres[kernel] + widths[kernel] * generator.normal();
        if (drawn >= range.low && drawn <= range.high) return drawn;
      }
      return range.low + generator.next() * (range.high - range.low);
    },
    log: (kernel, at) => {
      const [centre, width] = [centres[kernel], widths[kernel]];
      const own = isDiscrete
        ? Math.log(Math.max(massOf(cellOf(dimension, at, range), centre, width), Number.MIN_VALUE))
        : -0.5 * ((at - centre) / width) ** 2 - Math.log(width * SQRT_TWO_PI);
      return own - logInside[kernel];
    },
  };
}

const SQRT_TWO_PI = Math.sqrt(2 * Math.PI);

function massOf({ low, high }: Range, centre: number, width: number): number {
  return normalCdf((high - centre) / width) - normalCdf((low - centre) / width);
}

/** The coordinates that a discrete value stands for. */
function cellOf(dimension: NumberDimension, at: number, range: Range): Range {
  const half = stepOf(dimension) / 2;
  if (dimension.log !== true) return { low: at - half, high: at + half };
  const value = Math.exp(at);
  return {
    low: Math.max(range.low, Math.log(Math.max(value - half, Number.MIN_VALUE))),
    high: Math.log(value + half),
  };
}

/** Of each observation, and of the wide bump last. */
function kernelWidths(observed: readonly number[], { low, high }: Range): number[] {
  const span = high - low;
  const least = span / Math.min(100, observed.length + 2);
  const order = observed.map((_, place) => place).sort((a, b) => observed[a] - observed[b] || a - b);
  const widths = [...observed.map(() => span), span];
  const last = order.length - 1;
  order.forEach((place, rank) => {
    // Of a single observation the bounds are the neighbours; else the outermost have one each.
    const below = rank > 0 ? observed[order[rank - 1]] : last === 0 ? low : observed[place];
    const above = rank < last ? observed[order[rank + 1]] : last === 0 ? high : observed[place];
    const farther = Math.max(observed[place] - below, above - observed[place]);
    widths[place] = Math.max(least, Math.min(span, farther));
  });
  return widths.map((width) => (width > 0 ? width : 1));
}

function choiceKernels({ choices }: ChoiceDimension, observed: readonly number[]): Kernels {
  const nKernels = observed.length + 1;
  const common = 1 / nKernels;
  const total = 1 + choices.length * common;
  const shareOf = (kernel: number, place: number) =>
    kernel === observed.length ? 1 / choices.length : (common + (observed[kernel] === place ? 1 : 0)) / total;
  return {
    sample: (kernel, generator) => {
      const shares = choices.map((_, place) => shareOf(kernel, place));
      return pick(shares, 1, generator);
    },
    log: (kernel, at) => Math.log(shareOf(kernel, at)),
  };
}
