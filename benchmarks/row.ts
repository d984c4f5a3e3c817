/**
 * One line of a benchmark: what was measured, beside what, against which aim.
 *
 * A suite states its rows first (`RowSpec`), then measures them; `rowOf` is the only place that decides
 * whether an aim is met, so that the self-test of that decision covers every suite.
 */

/** A row as it is printed; the field names are the command's contract. */
export interface BenchRow {
  readonly work: string;
  readonly ours: number;
  /** null: the peer is not installed, or the row has none. */
  readonly peer: number | null;
  readonly peerVersion: string | null;
  readonly unit: string;
  /** How many times better ours is than the peer's (above 1 is better, whichever way the unit goes). */
  readonly ratio: number | null;
  /** The aim in words, e.g. `≤ 12` or `ratio ≥ 5`. */
  readonly aim: string;
  readonly kind: "must" | "aim";
  /** null: it cannot be said, because the peer is absent. */
  readonly met: boolean | null;
  readonly seed: number;
}

export interface RowSpec {
  readonly work: string;
  readonly unit: string;
  readonly kind: "must" | "aim";
  readonly better: "lower" | "higher";
  /** What the bounds are laid on: our own figure, or the ratio to the peer's. */
  readonly of: "ours" | "ratio";
  readonly min?: number;
  readonly max?: number;
}

export interface Measurement {
  readonly ours: number;
  readonly peer?: number;
  readonly peerVersion?: string;
  readonly seed: number;
}

/**
 * Judges one measurement.
 *
 * @param slowdown  factor that makes ours worse before it is judged; 1 in earnest, 10 in the self-test
 * @throws {RangeError} when the spec has no bound, or the measured figure is not a finite number
 */
export function rowOf(spec: RowSpec, measured: Measurement, slowdown = 1): BenchRow {
  if (spec.min === undefined && spec.max === undefined) {
    throw new RangeError(`${spec.work}: expected min or max, got neither`);
  }
  if (!Number.isFinite(measured.ours)) {
    throw new RangeError(`${spec.work}: expected a finite figure, got ${measured.ours}`);
  }
  const ours = spec.better === "lower" ? measured.ours * slowdown : measured.ours / slowdown;
  const peer = measured.peer ?? null;
  const ratio = peer === null ? null : spec.better === "lower" ? peer / ours : ours / peer;
  const judged = spec.of === "ours" ? ours : ratio;
  return {
    work: spec.work,
    ours: rounded(ours),
    peer: peer === null ? null : rounded(peer),
    peerVersion: measured.peerVersion ?? null,
    unit: spec.unit,
    ratio: ratio === null ? null : rounded(ratio),
    aim: aimText(spec),
    kind: spec.kind,
    met: judged === null ? null : judged >= (spec.min ?? -Infinity) && judged <= (spec.max ?? Infinity),
    seed: measured.seed,
  };
}

function aimText(spec: RowSpec): string {
  const bounds: string[] = [];
  if (spec.min !== undefined) bounds.push(`≥ ${spec.min}`);
  if (spec.max !== undefined) bounds.push(`≤ ${spec.max}`);
  const text = bounds.join(" and ");
  return spec.of === "ratio" ? `ratio ${text}` : text;
}

/** Four significant digits: more would claim a precision that a shared machine does not give. */
function rounded(value: number): number {
  return value === 0 ? 0 : Number(value.toPrecision(4));
}
