import type { RowSpec } from "../row.ts";

/** Rows of the search suite. */
export const SEARCH_SPECS = {
  widths: {
    work: "Trials that differ between one training at a time and two (parameters, metrics, folds, pruning)",
    unit: "trials",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 0,
  },
  kills: {
    work: "Trials that differ between one worker process and two, of which one is killed (kill -9) five times during the search",
    unit: "trials",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 0,
  },
  wall: {
    work: "The whole search, two trainings at a time, beside Optuna + LightGBM with two jobs: same rows, folds, space, trials and pruner",
    unit: "s",
    kind: "aim",
    better: "lower",
    of: "ratio",
    min: 0.909,
  },
  samePoints: {
    work: "The same, Optuna given our points instead of its own: the same trees to grow",
    unit: "s",
    kind: "aim",
    better: "lower",
    of: "ratio",
    min: 0.909,
  },
  narrow: {
    work: "The whole search, one training at a time, beside the same Optuna with one job and two threads",
    unit: "s",
    kind: "aim",
    better: "lower",
    of: "ratio",
    min: 0.909,
  },
} as const satisfies Record<string, RowSpec>;
