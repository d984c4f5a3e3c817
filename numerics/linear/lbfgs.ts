/** Minimises a smooth convex function from its gradients, with little memory. */

/** Writes the gradient at `x` into `gradient` and returns the value. */
export type SmoothFunction = (x: Float64Array, gradient: Float64Array) => number;

export interface LbfgsOptions {
  readonly maxIterations: number;
  /** Done when max |gradient| is at most this. */
  readonly tolerance: number;
  /** Called before each step. */
  readonly onStep: (iteration: number, value: number) => void;
}

const HISTORY = 10;
const ARMIJO = 1e-4;
const MAX_HALVINGS = 40;

/**
 * Limited-memory BFGS with backtracking.
 *
 * @param start first guess; not changed
 * @returns the last point: a minimum to `tolerance`, or the best within `maxIterations`
 *
 * Source: Nocedal & Wright, Numerical Optimization, 2nd ed., alg. 7.4 and 3.1. Deterministic.
 */
export function minimiseLbfgs(f: SmoothFunction, start: Float64Array, options: LbfgsOptions): Float64Array {
  let x = start.slice();
  let gradient = new Float64Array(x.length);
  let value = f(x, gradient);
  const pairs: { s: Float64Array; y: Float64Array; sy: number }[] = [];
  for (let iteration = 0; iteration < options.maxIterations; iteration++) {
    options.onStep(iteration, value);
    if (maxAbs(gradient) <= options.tolerance) break;
    const direction = descend(gradient, pairs);
    const slope = dot(direction, gradient);
    let step = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    let next = x;
    let nextGradient = gradient;
    let nextValue = Infinity;
    for (let halving = 0; halving < MAX_HALVINGS; halving++, step /= 2) {
      next = x.map((entry, index) => entry + step * direction[index]);
      nextGradient = new Float64Array(x.length);
      nextValue = f(next, nextGradient);
      if (nextValue <= value + ARMIJO * step * slope) break;
    }
    // No step lowers the value any more: rounding is all that is left.
    if (!(nextValue < value)) break;
    const s = next.map((entry, index) => entry - x[index]);
    const y = nextGradient.map((entry, index) => entry - gradient[index]);
    const sy = dot(s, y);
    if (sy > 0) pairs.push({ s, y, sy });
    if (pairs.length > HISTORY) pairs.shift();
    x = next;
    gradient = nextGradient;
    value = nextValue;
  }
  return x;
}

/** −H g by the two-loop recursion. */
function descend(
  gradient: Float64Array,
  pairs: readonly { readonly s: Float64Array; readonly y: Float64Array; readonly sy: number }[],
): Float64Array {
  const direction = gradient.map((entry) => -entry);
  const alphas: number[] = [];
  for (let index = pairs.length - 1; index >= 0; index--) {
    const { s, y, sy } = pairs[index];
    alphas[index] = dot(s, direction) / sy;
    for (let at = 0; at < y.length; at++) direction[at] -= alphas[index] * y[at];
  }
  const newest = pairs.at(-1);
  const scale = newest === undefined ? 1 : newest.sy / dot(newest.y, newest.y);
  for (let at = 0; at < direction.length; at++) direction[at] *= scale;
  pairs.forEach(({ s, y, sy }, index) => {
    const beta = alphas[index] - dot(y, direction) / sy;
    for (let at = 0; at < s.length; at++) direction[at] += beta * s[at];
  });
  return direction;
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < left.length; index++) sum += left[index] * right[index];
  return sum;
}

function maxAbs(values: Float64Array): number {
  let top = 0;
  for (const value of values) top = Math.max(top, Math.abs(value));
  return top;
}
