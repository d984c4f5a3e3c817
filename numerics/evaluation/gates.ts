/** Comparisons a gate may use. */
export type GateOperator = ">=" | ">" | "<=" | "<";

/** A bound a metric must meet. */
export interface Gate {
  readonly metric: string;
  readonly op: GateOperator;
  /** in the unit of the metric */
  readonly threshold: number;
}

/** What one gate found. */
export interface GateRow extends Gate {
  /** null when the metric could not be computed: the gate then fails */
  readonly value: number | null;
  readonly passed: boolean;
  /** one sentence with value and bound */
  readonly text: string;
}

const HOLDS: Readonly<Record<GateOperator, (value: number, bound: number) => boolean>> = {
  ">=": (value, bound) => value >= bound,
  ">": (value, bound) => value > bound,
  "<=": (value, bound) => value <= bound,
  "<": (value, bound) => value < bound,
};

/**
 * Check metrics against gates. A metric that is missing or not finite fails its gate: no value is no evidence.
 *
 * @param metrics by key, as `computeMetrics` gives
 * @param gates   in any number; none passes
 * @returns `passed` only when every gate passes, and one row per gate, in order
 * @throws {RangeError} for a bound that is not finite
 */
export function evaluateGates(
  metrics: Readonly<Record<string, number>>,
  gates: readonly Gate[],
): { passed: boolean; rows: GateRow[] } {
  const rows = gates.map((gate) => {
    if (!Number.isFinite(gate.threshold)) {
      throw new RangeError(`threshold of gate ${gate.metric} must be finite, got ${gate.threshold}`);
    }
    const found = Object.hasOwn(metrics, gate.metric) ? metrics[gate.metric] : Number.NaN;
    const value = Number.isFinite(found) ? found : null;
    const passed = value !== null && HOLDS[gate.op](value, gate.threshold);
    const shown = value === null ? "missing" : String(Number(value.toPrecision(6)));
    const text = `${gate.metric} is ${shown}, must be ${gate.op} ${gate.threshold}: ${passed ? "pass" : "fail"}`;
    return { ...gate, value, passed, text };
  });
  return { passed: rows.every((row) => row.passed), rows };
}
