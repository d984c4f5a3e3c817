import { hashText } from "../stats/string-hash.ts";

/** The id of a group of rows that must stay together: an asset id, a site. Texts and numbers are not mixed. */
export type GroupId = string | number;

/** Rows grouped by id. */
export interface GroupIndex {
  /** distinct ids, in the order of their first row */
  readonly ids: readonly GroupId[];
  /** group of each row, an index into `ids` */
  readonly codes: Int32Array;
  /** rows per group, in the order of `ids`; each ≥ 1 */
  readonly sizes: Int32Array;
}

/**
 * Number the groups of the rows.
 *
 * @param groups id per row; rows of a group need not be adjacent
 *
 * Cost: O(n).
 */
export function indexGroups(groups: ArrayLike<GroupId>): GroupIndex {
  const codeOf = new Map<GroupId, number>();
  const codes = new Int32Array(groups.length);
  for (let row = 0; row < groups.length; row++) {
    const id = groups[row];
    let code = codeOf.get(id);
    if (code === undefined) {
      code = codeOf.size;
      codeOf.set(id, code);
    }
    codes[row] = code;
  }
  const sizes = new Int32Array(codeOf.size);
  for (let row = 0; row < codes.length; row++) sizes[codes[row]]++;
  return { ids: [...codeOf.keys()], codes, sizes };
}

/**
 * A seeded order of ids that does not depend on the order in which they are given: by hash(seed, id), then by id.
 *
 * An id keeps its place relative to the others when ids are added or removed, so a grown fleet keeps most of its split.
 *
 * @param ids  distinct ids
 * @param seed integer
 * @returns indices into `ids`
 */
export function seededOrder(ids: readonly GroupId[], seed: number): Int32Array {
  const hashes = Float64Array.from(ids, (id) => hashText(seed, String(id)));
  const order = Int32Array.from(ids, (_, index) => index);
  return order.sort((a, b) => hashes[a] - hashes[b] || compareIds(ids[a], ids[b]));
}

/** Order of two ids by their text (UTF-16 units), the same in every locale. */
export function compareIds(left: GroupId, right: GroupId): number {
  const a = String(left);
  const b = String(right);
  return a < b ? -1 : a > b ? 1 : 0;
}
