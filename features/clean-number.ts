/** Squares of values below this, summed over any series, stay within double range. */
export const MAX_MAGNITUDE = 1e150;

/** A usable number or NaN: infinities and sizes of 1e150 and more are missing, wherever they come from. */
export function cleanNumber(value: number): number {
  return Math.abs(value) < MAX_MAGNITUDE ? value : Number.NaN;
}
