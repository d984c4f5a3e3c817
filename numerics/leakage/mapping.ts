/** Rows a value must have on average before a mapping says anything: rarer values are pure by chance. */
const MIN_ROWS_PER_VALUE = 10;

/** Share of the rows that must lie in values seen on at least two assets. */
const MIN_SHARED_RATIO = 0.5;

/**
 * How completely the values of a feature determine the class: Theil's uncertainty coefficient.
 *
 * U = 1 − H(class | value) / H(class), 1 when every value has one class
 *
 * @param x     feature values, finite
 * @param y     class per row
 * @param codes asset per row; only rows whose value occurs on two or more assets are judged
 * @returns in [0, 1]; undefined when the values are too many (fewer than ten rows each), the judged rows are less than half,
 *          or their class is constant
 *
 * Cost: O(n).
 */
export function mappingRatio(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  codes: Int32Array | undefined,
): number | undefined {
  const judged = codes ? sharedRows(x, codes) : Array.from({ length: x.length }, (_, row) => row);
  if (judged.length < MIN_SHARED_RATIO * x.length) return undefined;
  const joint = new Map<number, Map<number, number>>();
  const classes = new Map<number, number>();
  for (const row of judged) {
    const counts = joint.get(x[row]) ?? new Map<number, number>();
    joint.set(x[row], counts);
    counts.set(y[row], (counts.get(y[row]) ?? 0) + 1);
    classes.set(y[row], (classes.get(y[row]) ?? 0) + 1);
  }
  if (joint.size * MIN_ROWS_PER_VALUE > judged.length || classes.size < 2) return undefined;
  let conditional = 0;
  for (const counts of joint.values()) conditional += entropy(counts);
  return 1 - conditional / entropy(classes);
}

/** n times the entropy in nats: Σ nᵢ ln(n / nᵢ). */
function entropy(counts: ReadonlyMap<number, number>): number {
  let n = 0;
  for (const count of counts.values()) n += count;
  let sum = 0;
  for (const count of counts.values()) sum += count * Math.log(n / count);
  return sum;
}

function sharedRows(x: ArrayLike<number>, codes: Int32Array): number[] {
  const firstAsset = new Map<number, number>();
  const shared = new Set<number>();
  for (let row = 0; row < x.length; row++) {
    const asset = firstAsset.get(x[row]);
    if (asset === undefined) firstAsset.set(x[row], codes[row]);
    else if (asset !== codes[row]) shared.add(x[row]);
  }
  const rows: number[] = [];
  for (let row = 0; row < x.length; row++) if (shared.has(x[row])) rows.push(row);
  return rows;
}
