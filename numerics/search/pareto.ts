/**
 * Points that no other point beats: none is as good in every objective and better in one.
 *
 * @param losses one row per point, one loss per objective, lower is better; finite
 * @returns places of the points on the front, ascending; equal points are all on it
 *
 * Cost: O(n² · objectives).
 */
export function paretoFront(losses: readonly (readonly number[])[]): number[] {
  return losses.flatMap((own, place) => (losses.some((other) => dominates(other, own)) ? [] : [place]));
}

function dominates(a: readonly number[], b: readonly number[]): boolean {
  let isBetter = false;
  for (let objective = 0; objective < b.length; objective++) {
    if (a[objective] > b[objective]) return false;
    if (a[objective] < b[objective]) isBetter = true;
  }
  return isBetter;
}
