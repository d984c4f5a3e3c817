import { requireInteger, requireSameLength } from "../stats/checked-array.ts";
import { compareIds, indexGroups } from "../splits/groups.ts";
import type { GroupId } from "../splits/groups.ts";
import { selectMetrics } from "./bootstrap.ts";
import type { ScoredRows } from "./bootstrap.ts";

/** Metrics of the rows that share a slice value. */
export interface SliceMetrics {
  readonly slice: string;
  readonly nRows: number;
  /** empty when the slice has fewer rows than asked for */
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * Metrics per slice (asset class, site, operating regime, product type).
 *
 * @param rows    scored rows; `groups` is not used
 * @param slices  slice value per row
 * @param minRows rows below which a slice is listed without metrics, ≥ 1; default 1
 * @returns one entry per slice, by slice text; rows add up to all rows
 * @throws {RangeError} when lengths differ, or as `computeMetrics`
 */
export function sliceMetrics(
  rows: Omit<ScoredRows, "groups">,
  slices: ArrayLike<GroupId>,
  minRows = 1,
): SliceMetrics[] {
  requireSameLength(["truth", "slices"], rows.truth, slices);
  requireInteger("minRows", minRows, [1, 2 ** 31 - 1]);
  const index = indexGroups(slices);
  const selected = Array.from(index.sizes, (size) => new Int32Array(size));
  const filled = new Int32Array(index.sizes.length);
  index.codes.forEach((code, row) => (selected[code][filled[code]++] = row));
  return index.ids
    .map((id, code) => ({
      slice: String(id),
      nRows: index.sizes[code],
      metrics: index.sizes[code] < minRows ? {} : selectMetrics(rows, selected[code]),
    }))
    .sort((a, b) => compareIds(a.slice, b.slice));
}
