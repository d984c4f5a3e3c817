import type { RowSpec } from "../row.ts";

/** Rows of the search suite. */
export const SEARCH_SPECS = {
  widths: {
    work: "Equal trials of one training at a time and of two: parameters, metrics, out-of-fold rows, pruning",
    unit: "share",
    kind: "must",
    better: "higher",
    of: "ours",
    min: 1,
  },
  kills: {
    work: "Equal trials of one worker process and of two that are killed (kill -9) five times during the search",
    unit: "share",
    kind: "must",
    better: "higher",
    of: "ours",
    min: 1,
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
