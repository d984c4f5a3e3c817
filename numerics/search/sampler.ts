/**
 * Proposes the next point of a search, as a function of the seed, the trial's number and a fixed set of earlier
 * results: the same points for one worker and for many.
 *
 * Trial n sees the results of trials 0 … n − width and no others, so that it does not matter which of those in between
 * end first: so many run at once.
 */
import type { Generator } from "../random/generator.ts";
import { createGenerator } from "../random/generator.ts";
import type { Density } from "./parzen.ts";
import { choiceDensity, numberDensity } from "./parzen.ts";
import { bestTrials } from "./ranking.ts";
import type { Dimension, Point, SearchSpace } from "./space.ts";
import { checkSpace, coordinateOf, coordinateRange, gridOf, valueAt } from "./space.ts";

export type SamplerName = "tpe" | "random" | "grid";

/** A finished trial. */
export interface TrialResult {
  readonly number: number;
  readonly point: Point;
  /** What is minimised, by objective; null for a trial that failed. A pruned trial has the values it was stopped at. */
  readonly losses: readonly number[] | null;
}

export interface SamplerSettings {
  readonly sampler: SamplerName;
  readonly seed: number;
  /** Trials that run at once, ≥ 1. */
  readonly width: number;
  /** TPE: trials drawn at random before it has anything to go by. */
  readonly startupTrials: number;
  /** TPE: points drawn from the good ones' density, of which the most promising is taken. */
  readonly candidates: number;
  /** Grid: most values of a dimension. */
  readonly gridValues: number;
}

/** Named and set as in Optuna. */
export const SAMPLER_DEFAULTS: SamplerSettings = {
  sampler: "tpe",
  seed: 0,
  width: 4,
  startupTrials: 10,
  candidates: 24,
  gridValues: 5,
};

/** Trials that trial `number` sees: those below this number. */
export function countSeen(number: number, width: number): number {
  return Math.max(0, number - width + 1);
}

/**
 * The point of trial `number`.
 *
 * @param results of at least all trials that it sees; others are ignored
 * @returns null where a grid is used up
 * @throws {RangeError} for an empty range, or an earlier result that is missing
 *
 * Deterministic: equal for equal seed, number and results, whatever their order.
 */
export function proposePoint(
  space: SearchSpace,
  settings: SamplerSettings,
  number: number,
  results: readonly TrialResult[],
): Point | null {
  checkSpace(space);
  const nSeen = countSeen(number, settings.width);
  const known = results.filter((result) => result.number < nSeen).sort((a, b) => a.number - b.number);
  if (known.length < nSeen) {
    throw new RangeError(`trial ${number} needs the results of trials 0 … ${nSeen - 1}, got ${known.length}`);
  }
  const generator = createGenerator(settings.seed).fork(`trial/${number}`);
  if (settings.sampler === "grid") return gridPoint(space, settings.gridValues, number);
  if (settings.sampler === "random" || nSeen < settings.startupTrials) return randomPoint(space, generator);
  return tpePoint(space, settings, known, generator);
}

/** Points of the whole grid, the last dimension fastest. */
export function countGrid(space: SearchSpace, gridValues: number): number {
  return Object.values(space).reduce(
    (product, dimension) => product * gridOf(dimension, gridValues).length,
    1,
  );
}

function gridPoint(space: SearchSpace, gridValues: number, number: number): Point | null {
  const point: Record<string, Point[string]> = {};
  let rest = number;
  for (const [name, dimension] of Object.entries(space).toReversed()) {
    const values = gridOf(dimension, gridValues);
    point[name] = values[rest % values.length];
    rest = Math.floor(rest / values.length);
  }
  return rest > 0 ? null : point;
}

function randomPoint(space: SearchSpace, generator: Generator): Point {
  return mapDimensions(space, (dimension, name) => {
    const own = generator.fork(name);
    if (dimension.kind === "choice") return dimension.choices[own.integer(dimension.choices.length)];
    const { low, high } = coordinateRange(dimension);
    return valueAt(dimension, low + own.next() * (high - low));
  });
}

/** Trials that count as good: a tenth, at most 25. */
function countGood(nTrials: number): number {
  return Math.min(Math.ceil(0.1 * nTrials), 25);
}

/**
 * Tree-structured Parzen estimator, each dimension by itself: of `candidates` points drawn where good trials were,
 * the one that is likeliest there relative to where the others were. With several objectives the good ones are those of
 * the first Pareto fronts.
 *
 * Source: Bergstra et al. 2011 (NeurIPS 24), eq. 2 and section 4; split as in Optuna.
 */
function tpePoint(
  space: SearchSpace,
  settings: SamplerSettings,
  known: readonly TrialResult[],
  generator: Generator,
): Point {
  const nGood = countGood(known.filter((result) => result.losses !== null).length);
  if (nGood === 0) return randomPoint(space, generator);
  const good = new Set(bestTrials(known, nGood).map((result) => result.number));
  return mapDimensions(space, (dimension, name) => {
    const observe = (isGood: boolean) =>
      known
        .filter((result) => good.has(result.number) === isGood)
        .map((result) => placeOf(dimension, result, name));
    const [likely, unlikely] = [densityOf(dimension, observe(true)), densityOf(dimension, observe(false))];
    const own = generator.fork(name);
    let best = { at: 0, promise: -Infinity };
    for (let candidate = 0; candidate < settings.candidates; candidate++) {
      const at = snap(dimension, likely.sample(own));
      const promise = likely.log(at) - unlikely.log(at);
      if (promise > best.promise) best = { at, promise };
    }
    return dimension.kind === "choice" ? dimension.choices[best.at] : valueAt(dimension, best.at);
  });
}

function densityOf(dimension: Dimension, observed: readonly number[]): Density {
  return dimension.kind === "choice"
    ? choiceDensity(dimension, observed)
    : numberDensity(dimension, observed);
}

/** The coordinate of the value that a drawn coordinate becomes. */
function snap(dimension: Dimension, at: number): number {
  return dimension.kind === "choice" ? at : coordinateOf(dimension, valueAt(dimension, at));
}

function placeOf(dimension: Dimension, result: TrialResult, name: string): number {
  const value = result.point[name];
  if (dimension.kind !== "choice") return coordinateOf(dimension, Number(value));
  const place = dimension.choices.indexOf(value);
  if (place < 0)
    throw new RangeError(`trial ${result.number} has ${name} = ${String(value)}, which is no choice`);
  return place;
}

function mapDimensions(
  space: SearchSpace,
  choose: (dimension: Dimension, name: string) => Point[string],
): Point {
  return Object.fromEntries(
    Object.entries(space).map(([name, dimension]) => [name, choose(dimension, name)]),
  );
}
