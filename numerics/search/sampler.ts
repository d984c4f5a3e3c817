/**
 * Proposes the next point of a search, as a function of the seed, the trial's number and a fixed set of earlier
 * results: the same points for one worker and for many.
 *
 * Trial n sees the results of trials 0 … n − width and no others, so that it does not matter which of those in between
 * end first: so many run at once.
 */
import type { Generator } from "../random/generator.ts";
import { createGenerator } from "../random/generator.ts";
import { parzenDensity } from "./parzen.ts";
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
 * @param results of at least all trials that it sees; of others no loss is looked at
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
  requireSeen(settings, number, results);
  if (settings.sampler === "grid") return gridPoint(space, settings, number);
  const points = new Map(results.map((result) => [result.number, result.point]));
  // The trials between those that are seen and this one follow from what is seen as well: their points are known before
  // they have ended, wherever they run.
  const first = settings.sampler === "tpe" ? countSeen(number, settings.width) : number;
  for (let between = first; between < number; between++) {
    if (!points.has(between)) points.set(between, pointOf(space, settings, between, { results, points }));
  }
  return pointOf(space, settings, number, { results, points });
}

interface Known {
  readonly results: readonly TrialResult[];
  /** Of all trials before. */
  readonly points: ReadonlyMap<number, Point>;
}

function pointOf(
  space: SearchSpace,
  settings: SamplerSettings,
  number: number,
  { results, points }: Known,
): Point {
  const seen = requireSeen(settings, number, results);
  const generator = createGenerator(settings.seed).fork(`trial/${number}`);
  if (settings.sampler === "random" || seen.length < settings.startupTrials)
    return randomPoint(space, generator);
  const running = Array.from({ length: number - seen.length }, (_, place) => {
    const point = points.get(seen.length + place);
    if (point === undefined)
      throw new RangeError(`trial ${number} needs the point of trial ${seen.length + place}`);
    return { number: seen.length + place, point, losses: null };
  });
  return tpePoint(space, settings, { seen, running }, generator);
}

/** Results that a trial sees, by number. */
function requireSeen(
  { width }: SamplerSettings,
  number: number,
  results: readonly TrialResult[],
): TrialResult[] {
  const nSeen = countSeen(number, width);
  const seen = results.filter((result) => result.number < nSeen).sort((a, b) => a.number - b.number);
  if (seen.length === nSeen) return seen;
  throw new RangeError(`trial ${number} needs the results of trials 0 … ${nSeen - 1}, got ${seen.length}`);
}

/** As many trials as a search may have. */
export const MOST_GRID_POINTS = 10_000;

/** Points of the whole grid. */
export function countGrid(space: SearchSpace, gridValues: number): number {
  return Object.values(space).reduce(
    (product, dimension) => product * gridOf(dimension, gridValues).length,
    1,
  );
}

/** In an order of the seed, so that a budget below the size of the grid is spread over all of it. */
function gridPoint(space: SearchSpace, { gridValues, seed }: SamplerSettings, number: number): Point | null {
  const size = countGrid(space, gridValues);
  if (size > MOST_GRID_POINTS)
    throw new RangeError(`a grid must have at most ${MOST_GRID_POINTS} points, got ${size}`);
  if (number >= size) return null;
  const order = createGenerator(seed)
    .fork("grid")
    .shuffle(Int32Array.from({ length: size }, (_, place) => place));
  const point: Record<string, Point[string]> = {};
  let rest = order[number];
  for (const [name, dimension] of Object.entries(space).toReversed()) {
    const values = gridOf(dimension, gridValues);
    point[name] = values[rest % values.length];
    rest = Math.floor(rest / values.length);
  }
  return point;
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
 * Tree-structured Parzen estimator: of `candidates` points drawn where good trials were, the one that is likeliest there
 * relative to where the others were. With several objectives the good ones are those of the first Pareto fronts. Trials
 * that may still run count with the others, so that those that run at once do not crowd one place.
 *
 * Source: Bergstra et al. 2011 (NeurIPS 24), eq. 2 and section 4; split, dimensions judged together and the constant liar
 * as in Optuna 5.
 */
function tpePoint(
  space: SearchSpace,
  settings: SamplerSettings,
  { seen, running }: { readonly seen: readonly TrialResult[]; readonly running: readonly TrialResult[] },
  generator: Generator,
): Point {
  const nGood = countGood(seen.filter((result) => result.losses !== null).length);
  if (nGood === 0) return randomPoint(space, generator);
  const known = [...seen, ...running];
  const good = new Set(bestTrials(seen, nGood).map((result) => result.number));
  const names = Object.keys(space);
  const dimensions = Object.values(space);
  const observe = (isGood: boolean) =>
    known
      .filter((result) => good.has(result.number) === isGood)
      .map((result) => dimensions.map((dimension, d) => placeOf(dimension, result, names[d])));
  const [likely, unlikely] = [
    parzenDensity(dimensions, observe(true)),
    parzenDensity(dimensions, observe(false)),
  ];
  let best: { readonly at: readonly number[]; readonly promise: number } = { at: [], promise: -Infinity };
  for (let candidate = 0; candidate < settings.candidates; candidate++) {
    const drawn = likely.sample(generator);
    const at = dimensions.map((dimension, d) => snap(dimension, drawn[d]));
    const promise = likely.log(at) - unlikely.log(at);
    if (promise > best.promise) best = { at, promise };
  }
  return Object.fromEntries(names.map((name, d) => [name, valueOf(dimensions[d], best.at[d])]));
}

function valueOf(dimension: Dimension, at: number): Point[string] {
  return dimension.kind === "choice" ? dimension.choices[at] : valueAt(dimension, at);
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
