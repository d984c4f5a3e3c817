import { createGenerator } from "../random/generator.ts";
import { requireInteger, requireSameLength } from "../stats/checked-array.ts";
import type { GroupId } from "./groups.ts";

/** How cut points are drawn. */
export interface CutPointOptions {
  /** integer; draws of one asset depend on this seed and its id only */
  readonly seed: number;
  /** cuts per asset, ≥ 1; default 1. More cuts steady the estimate without more assets */
  readonly perAsset?: number;
  /** rows an asset must have behind it at a cut, ≥ 1; default 30, fewer when the series is shorter */
  readonly minRows?: number;
}

/**
 * Rows at which validation assets are cut, so that evaluation resembles a fleet observed now.
 *
 * Training assets run to failure, while a deployed model sees each asset once, somewhere in its life: the benchmark's test
 * set holds only the last row of series that stop early. Scoring every row of a validation asset would weigh long lives
 * more and always include the easy last cycles. Instead each asset is scored at rows drawn evenly over its life: the
 * row's features use the history up to it, its label is the life that really remained.
 *
 * @param nCycles rows per asset, in time order, each ≥ 1
 * @param ids     asset id per entry of `nCycles`
 * @returns per asset the 0-based offsets of its cut rows, distinct and ascending; `perAsset` of them, or every eligible
 *          row when there are fewer
 * @throws {RangeError} when a length or an option is out of range
 *
 * Each asset draws from a stream named by its id: adding or reordering assets moves no other cut.
 */
export function cutPoints(
  nCycles: ArrayLike<number>,
  ids: ArrayLike<GroupId>,
  options: CutPointOptions,
): Int32Array[] {
  requireSameLength(["nCycles", "ids"], nCycles, ids);
  const perAsset = options.perAsset ?? 1;
  const minRows = options.minRows ?? 30;
  requireInteger("perAsset", perAsset, [1, 10_000]);
  requireInteger("minRows", minRows, [1, 2 ** 31 - 1]);
  const generator = createGenerator(options.seed).fork("cut-points");
  return Array.from(nCycles, (n, asset) => {
    requireInteger(`nCycles[${asset}]`, n, [1, 2 ** 31 - 1]);
    const first = Math.min(minRows, n) - 1;
    const stream = generator.fork(String(ids[asset]));
    return drawDistinct(n - first, Math.min(perAsset, n - first), (limit) => stream.integer(limit)).map(
      (offset) => offset + first,
    );
  });
}

/** `k` distinct integers of [0, n), ascending: Floyd's algorithm, k draws whatever n is. */
function drawDistinct(n: number, k: number, draw: (limit: number) => number): Int32Array {
  const chosen = new Set<number>();
  for (let limit = n - k + 1; limit <= n; limit++) {
    const candidate = draw(limit);
    chosen.add(chosen.has(candidate) ? limit - 1 : candidate);
  }
  return Int32Array.from(chosen).sort();
}
