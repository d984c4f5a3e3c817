/**
 * Entry checks shared by the statistics: shapes and finiteness are checked once here, so that inner loops rely on them.
 */

/**
 * Refuse an array that holds NaN or an infinity.
 *
 * @param name   what the array is, for the message
 * @param values any length
 * @throws {RangeError} at the first value that is not finite: name, index, value
 */
export function requireFinite(name: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) throw new RangeError(`${name}[${i}] must be finite, got ${values[i]}`);
  }
}

/**
 * Refuse an empty array.
 *
 * @throws {RangeError} when the length is 0
 */
export function requireNonEmpty(name: string, values: ArrayLike<unknown>): void {
  if (values.length === 0) throw new RangeError(`${name} must not be empty`);
}

/**
 * Refuse two arrays of different length.
 *
 * @throws {RangeError} with both names and lengths
 */
export function requireSameLength(
  names: readonly [string, string],
  left: ArrayLike<unknown>,
  right: ArrayLike<unknown>,
): void {
  if (left.length !== right.length) {
    throw new RangeError(
      `${names[0]} and ${names[1]} must be equally long, got ${left.length} and ${right.length}`,
    );
  }
}

/**
 * Refuse a number outside a closed range.
 *
 * @throws {RangeError} with name, value and range; NaN is refused
 */
export function requireInRange(name: string, value: number, range: readonly [number, number]): void {
  if (!(value >= range[0] && value <= range[1])) {
    throw new RangeError(`${name} must be in [${range[0]}, ${range[1]}], got ${value}`);
  }
}

/**
 * Refuse a number that is not an integer in a closed range.
 *
 * @throws {RangeError} with name, value and range
 */
export function requireInteger(name: string, value: number, range: readonly [number, number]): void {
  if (!Number.isInteger(value)) throw new RangeError(`${name} must be an integer, got ${value}`);
  requireInRange(name, value, range);
}
