/**
 * Parzen estimators: densities made of one bump per observed value and a wide one for what is not known yet.
 *
 * Bumps are normals cut off at the bounds. A bump's width is the distance to its farther neighbour, at least
 * (high − low) / min(100, n + 1), at most high − low. Discrete values have the mass of their cell.
 *
 * Source: Bergstra et al. 2011 (NeurIPS 24), with the widths and weights of Optuna 4 (`_ParzenEstimator`).
 */
import type { Generator } from "../random/generator.ts";
import { normalCdf } from "../stats/normal.ts";
import type { ChoiceDimension, NumberDimension } from "./space.ts";
import { coordinateRange, stepOf } from "./space.ts";

/** A density over one dimension. */
export interface Density {
  /** A coordinate, or the place of a choice. */
  readonly sample: (generator: Generator) => number;
  /** Logarithm of the density, or of the mass where values are discrete. */
  readonly log: (at: number) => number;
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

/** @param observed coordinates, oldest first */
export function numberDensity(dimension: NumberDimension, observed: readonly number[]): Density {
  const range = coordinateRange(dimension);
  const weights = [...ageWeights(observed.length), 1];
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const centres = [...observed, (range.low + range.high) / 2];
  const widths = bumpWidths(centres, range);
  const bumps = centres.map((centre, place) => {
    const width = widths[place];
    const inside = normalCdf((range.high - centre) / width) - normalCdf((range.low - centre) / width);
    return { centre, width, share: weights[place] / total, inside: Math.max(inside, Number.MIN_VALUE) };
  });
  const isDiscrete = stepOf(dimension) > 0;
  return {
    sample: (generator) => {
      const bump = pick(bumps, generator);
      // A bump lies within the bounds, so that at least a fifth of its mass does: this ends soon.
      for (let attempt = 0; attempt < 200; attempt++) {
        const drawn = bump.centre + bump.width * generator.normal();
        if (drawn >= range.low && drawn <= range.high) return drawn;
      }
      return range.low + generator.next() * (range.high - range.low);
    },
    log: (at) => {
      const cell = isDiscrete ? cellOf(dimension, at, range) : null;
      let sum = 0;
      for (const { centre, width, share, inside } of bumps) {
        const mass =
          cell === null
            ? Math.exp(-0.5 * ((at - centre) / width) ** 2) / (width * SQRT_TWO_PI)
            : normalCdf((cell.high - centre) / width) - normalCdf((cell.low - centre) / width);
        sum += (share * mass) / inside;
      }
      return Math.log(Math.max(sum, Number.MIN_VALUE));
    },
  };
}

const SQRT_TWO_PI = Math.sqrt(2 * Math.PI);

/** The coordinates that a discrete value stands for. */
function cellOf(dimension: NumberDimension, at: number, range: { low: number; high: number }) {
  const half = stepOf(dimension) / 2;
  if (dimension.log !== true) return { low: at - half, high: at + half };
  const value = Math.exp(at);
  return {
    low: Math.max(range.low, Math.log(Math.max(value - half, Number.MIN_VALUE))),
    high: Math.log(value + half),
  };
}

function bumpWidths(centres: readonly number[], range: { low: number; high: number }): number[] {
  const span = range.high - range.low;
  const least = span / Math.min(100, centres.length + 1);
  const order = centres.map((_, place) => place).sort((a, b) => centres[a] - centres[b] || a - b);
  const widths = centres.map(() => span);
  order.forEach((place, rank) => {
    // The last centre is the prior, as wide as the range.
    if (place === centres.length - 1) return;
    const below = rank > 0 ? centres[place] - centres[order[rank - 1]] : 0;
    const above = rank < order.length - 1 ? centres[order[rank + 1]] - centres[place] : 0;
    widths[place] = Math.max(least, Math.min(span, Math.max(below, above)));
  });
  return widths.map((width) => (width > 0 ? width : 1));
}

/** @param observed places of the choices, oldest first */
export function choiceDensity(dimension: ChoiceDimension, observed: readonly number[]): Density {
  const { length } = dimension.choices;
  const weights = ageWeights(observed.length);
  const counts = Array.from({ length }, () => 1 / length);
  observed.forEach((place, index) => (counts[place] += weights[index]));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const shares = counts.map((count, place) => ({ share: count / total, place }));
  return {
    sample: (generator) => pick(shares, generator).place,
    log: (at) => Math.log(shares[at].share),
  };
}

function pick<Item extends { readonly share: number }>(items: readonly Item[], generator: Generator): Item {
  let left = generator.next();
  for (const item of items) {
    left -= item.share;
    if (left < 0) return item;
  }
  return items[items.length - 1];
}
