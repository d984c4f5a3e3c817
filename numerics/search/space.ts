/**
 * What a search may choose: named dimensions, each a range of numbers or a list of choices. Every dimension has a
 * coordinate: a double on [low, high] of its scale (its logarithm where `log`), or the place of a choice.
 */

/** A range of doubles, or of integers. */
export interface NumberDimension {
  readonly kind: "float" | "integer";
  readonly low: number;
  readonly high: number;
  /** Even on the logarithm: for ranges over powers of ten. */
  readonly log?: boolean;
  /** Distance of the values, counted from `low`; 1 for integers. Not with `log`. */
  readonly step?: number;
}

export interface ChoiceDimension {
  readonly kind: "choice";
  readonly choices: readonly (string | number | boolean)[];
}

export type Dimension = NumberDimension | ChoiceDimension;
export type SearchSpace = Readonly<Record<string, Dimension>>;
/** One value per dimension. */
export type Point = Readonly<Record<string, string | number | boolean>>;

/** @throws {RangeError} naming the dimension, what it is and what it must be */
export function checkSpace(space: SearchSpace): void {
  const names = Object.keys(space);
  if (names.length === 0) throw new RangeError("a search space must have at least one dimension, got none");
  for (const name of names) checkDimension(name, space[name]);
}

function checkDimension(name: string, dimension: Dimension): void {
  if (dimension.kind === "choice") {
    const { choices } = dimension;
    if (choices.length === 0) throw new RangeError(`${name} must have at least one choice, got none`);
    const again = choices.find((choice, place) => choices.indexOf(choice) < place);
    if (again !== undefined) throw new RangeError(`${name} must have each choice once, got ${again} twice`);
    return;
  }
  const { kind, low, high, log, step } = dimension;
  const isRange = Number.isFinite(low) && Number.isFinite(high) && low <= high;
  if (!isRange) throw new RangeError(`${name} must be a range with low ≤ high, got ${low} … ${high}`);
  if (kind === "integer" && !(Number.isSafeInteger(low) && Number.isSafeInteger(high))) {
    throw new RangeError(`${name} must have integer bounds, got ${low} … ${high}`);
  }
  if (log === true && !(low > 0))
    throw new RangeError(`${name} must be above 0 to be logarithmic, got ${low}`);
  if (step === undefined) return;
  if (log === true) throw new RangeError(`${name} must have a step or a logarithm, got both`);
  const isStep = step > 0 && (kind === "float" || Number.isInteger(step));
  if (!isStep) throw new RangeError(`${name} must have a step above 0 of its kind, got ${step}`);
}

/** Bounds of a number dimension's coordinate; half a step is added on both sides where values are discrete. */
export function coordinateRange(dimension: NumberDimension): { readonly low: number; readonly high: number } {
  const half = stepOf(dimension) / 2;
  const low = dimension.low - half;
  const high = lastValue(dimension) + half;
  return dimension.log === true ? { low: Math.log(low), high: Math.log(high) } : { low, high };
}

/** 0 where values are continuous. */
export function stepOf({ kind, step }: NumberDimension): number {
  return step ?? (kind === "integer" ? 1 : 0);
}

function lastValue(dimension: NumberDimension): number {
  const step = stepOf(dimension);
  const { low, high } = dimension;
  // The quotient of a decimal range may fall a little short of the integer it means.
  return step === 0 ? high : low + Math.floor((high - low) / step + 1e-9) * step;
}

/** The value at a coordinate: on the grid and within the bounds. */
export function valueAt(dimension: NumberDimension, coordinate: number): number {
  const { low } = dimension;
  const raw = dimension.log === true ? Math.exp(coordinate) : coordinate;
  const step = stepOf(dimension);
  const value = step === 0 ? raw : low + Math.round((raw - low) / step) * step;
  return Math.max(low, Math.min(lastValue(dimension), value));
}

export function coordinateOf(dimension: NumberDimension, value: number): number {
  return dimension.log === true ? Math.log(value) : value;
}

/** Values of a dimension in order, at most `most`, evenly spread where there are more. */
export function gridOf(dimension: Dimension, most: number): readonly Point[string][] {
  if (dimension.kind === "choice") return dimension.choices;
  const step = stepOf(dimension);
  const last = lastValue(dimension);
  const nValues = step === 0 ? most : Math.min(most, Math.round((last - dimension.low) / step) + 1);
  const { low } = dimension;
  if (nValues <= 1) return [low];
  const [from, to] = [coordinateOf(dimension, low), coordinateOf(dimension, last)];
  const values = Array.from({ length: nValues }, (_, place) =>
    valueAt(dimension, from + ((to - from) * place) / (nValues - 1)),
  );
  return [...new Set(values)];
}
