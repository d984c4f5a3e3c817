import type { RowSpec } from "../row.ts";

/** Rows of the drift suite. */
export const DRIFT_SPECS = {
  falseAlarms: {
    work: "Checks that say drift where there is none, worst of ten kinds of tables of 21 columns",
    unit: "share",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 0.01,
  },
  power: {
    work: "Checks of 2,000 rows that find one of 21 columns moved by 0.3 σ",
    unit: "share",
    kind: "must",
    better: "higher",
    of: "ours",
    min: 0.95,
  },
  small: {
    work: "Check with HTML and JSON report, 20 k rows × 50 columns, beside Evidently's data drift preset",
    unit: "s",
    kind: "must",
    better: "lower",
    of: "ratio",
    min: 20,
  },
  middle: {
    work: "The same, 100 k rows × 50 columns",
    unit: "s",
    kind: "must",
    better: "lower",
    of: "ratio",
    min: 20,
  },
  large: {
    work: "The same without a peer, 1 M rows × 50 columns",
    unit: "s",
    kind: "aim",
    better: "lower",
    of: "ours",
    max: 5,
  },
  page: {
    work: "HTML report of that check, beside Evidently's of 100 k × 50",
    unit: "MB",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 1,
  },
} as const satisfies Record<string, RowSpec>;
