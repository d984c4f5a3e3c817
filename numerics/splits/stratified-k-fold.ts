import { createGenerator } from "../random/generator.ts";
import { requireSameLength } from "../stats/checked-array.ts";
import { hashText } from "../stats/string-hash.ts";
import { requireFolds } from "./group-k-fold.ts";
import type { FoldOptions } from "./group-k-fold.ts";
import { compareIds, indexGroups, seededOrder } from "./groups.ts";
import type { GroupId } from "./groups.ts";

/** Settings of the stratified split of single rows. */
export interface StratifiedOptions extends FoldOptions {
  /** id per row; when given, the split depends on the ids and not on the order of the rows */
  readonly keys?: ArrayLike<GroupId>;
}

/**
 * Fold per row such that every fold has the same share of every class, within one row.
 *
 * Rows of a class are put in seeded order and dealt in turn; the next class goes on where the last one stopped, so the
 * sizes of the folds differ by one row at most.
 *
 * @param labels class per row (0/1 or class index)
 * @returns Int32Array, fold per row
 * @throws {RangeError} when the rarest class has fewer rows than there are folds
 *
 * Cost: O(n log n).
 */
export function stratifiedKFold(labels: ArrayLike<number>, options: StratifiedOptions): Int32Array {
  const folds = new Int32Array(labels.length);
  const order = rowOrder(labels.length, options);
  let next = 0;
  for (const [label, rows] of rowsByClass(labels, order)) {
    requireFolds(options.nFolds, rows.length, `rows of class ${label}`);
    for (const row of rows) folds[row] = next++ % options.nFolds;
  }
  return folds;
}

/**
 * Fold per row such that a group is never divided and the classes are spread as evenly as the groups allow.
 *
 * Groups are taken by how unevenly their classes are spread (standard deviation of the class counts, descending; ties in
 * seeded order); each goes to the fold where the spread of class shares over folds grows least, then to the smallest.
 *
 * @param labels class per row
 * @param groups id per row
 * @returns Int32Array, fold per row; independent of row order
 * @throws {RangeError} when lengths differ or there are fewer groups than folds
 *
 * Cost: O(n + g k² c). Source: the greedy rule of scikit-learn's StratifiedGroupKFold.
 */
export function stratifiedGroupKFold(
  labels: ArrayLike<number>,
  groups: ArrayLike<GroupId>,
  options: FoldOptions,
): Int32Array {
  requireSameLength(["labels", "groups"], labels, groups);
  const index = indexGroups(groups);
  requireFolds(options.nFolds, index.ids.length, "groups");
  const classes = [...new Set(Array.from(labels))].sort((a, b) => a - b);
  const classOf = new Map(classes.map((label, position) => [label, position]));
  const counts = Array.from(index.ids, () => new Float64Array(classes.length));
  const totals = new Float64Array(classes.length);
  for (let row = 0; row < labels.length; row++) {
    const position = classOf.get(labels[row]) ?? 0;
    counts[index.codes[row]][position]++;
    totals[position]++;
  }
  const order = [...seededOrder(index.ids, options.seed)].sort(
    (a, b) => spread(counts[b]) - spread(counts[a]),
  );
  const foldOf = dealGroups({ order, counts, totals, nFolds: options.nFolds });
  return index.codes.map((group) => foldOf[group]);
}

interface Deal {
  readonly order: readonly number[];
  readonly counts: readonly Float64Array[];
  readonly totals: Float64Array;
  readonly nFolds: number;
}

function dealGroups({ order, counts, totals, nFolds }: Deal): Int32Array {
  const foldOf = new Int32Array(counts.length);
  const filled = Array.from({ length: nFolds }, () => new Float64Array(totals.length));
  const nGroups = new Float64Array(nFolds);
  order.forEach((group, dealt) => {
    let best = -1;
    let bestCost = Number.POSITIVE_INFINITY;
    // The last groups must fill folds that are still empty, else a fold could be left without any row.
    const nEmpty = nGroups.filter((n) => n === 0).length;
    const mustFill = order.length - dealt <= nEmpty;
    for (let fold = 0; fold < nFolds; fold++) {
      if (mustFill && nGroups[fold] > 0) continue;
      const cost = costOf(filled, { fold, added: counts[group], totals });
      const isSmaller = best >= 0 && cost === bestCost && total(filled[fold]) < total(filled[best]);
      if (cost < bestCost || isSmaller) {
        best = fold;
        bestCost = cost;
      }
    }
    for (let c = 0; c < totals.length; c++) filled[best][c] += counts[group][c];
    nGroups[best]++;
    foldOf[group] = best;
  });
  return foldOf;
}

function costOf(
  filled: readonly Float64Array[],
  change: { fold: number; added: Float64Array; totals: Float64Array },
): number {
  let sum = 0;
  for (let c = 0; c < change.totals.length; c++) {
    const shares = filled.map(
      (counts, fold) => (counts[c] + (fold === change.fold ? change.added[c] : 0)) / change.totals[c],
    );
    sum += spread(shares);
  }
  // Rounded so that costs which are equal in exact arithmetic tie, whatever the order of the additions.
  return Math.round(sum * 1e12);
}

function spread(values: ArrayLike<number>): number {
  const centre = total(values) / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - centre) ** 2;
  return Math.sqrt(squares / values.length);
}

function total(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

function rowOrder(nRows: number, options: StratifiedOptions): Int32Array {
  const order = Int32Array.from({ length: nRows }, (_, row) => row);
  const { keys, seed } = options;
  if (!keys) return createGenerator(seed).fork("stratified-k-fold").shuffle(order);
  requireSameLength(["labels", "keys"], order, keys);
  const hashes = Float64Array.from(order, (row) => hashText(seed, String(keys[row])));
  return order.sort((a, b) => hashes[a] - hashes[b] || compareIds(keys[a], keys[b]) || a - b);
}

function rowsByClass(labels: ArrayLike<number>, order: Int32Array): [number, number[]][] {
  const rows = new Map<number, number[]>();
  for (const row of order) {
    const known = rows.get(labels[row]);
    if (known) known.push(row);
    else rows.set(labels[row], [row]);
  }
  return [...rows].sort((a, b) => a[0] - b[0]);
}
