/** The settings of the anomaly detectors. */
import type { ParametersOf } from "../parameter-table.ts";

export const PCA_MONITOR_PARAMETERS = {
  explainedVariance: {
    default: 0.99,
    min: 0,
    isAboveMin: true,
    max: 1,
    unit: "ratio",
    doc: "Share of the variance of the standardised features that the components keep; the rest is watched by Q.",
  },
  limitQuantile: {
    default: 0.99,
    min: 0.5,
    max: 1,
    unit: "ratio",
    doc: "Quantile on the training rows that T² of the leading components, T² of the others, and Q are each measured by: the score of a row at one of the limits is at least 1.",
  },
} as const;

export type PcaMonitorParameters = ParametersOf<typeof PCA_MONITOR_PARAMETERS>;

export const ISOLATION_FOREST_PARAMETERS = {
  numTrees: {
    default: 100,
    min: 1,
    max: 10_000,
    isInteger: true,
    unit: "trees",
    doc: "Trees whose path lengths are averaged; more is steadier and slower.",
  },
  maxSamples: {
    default: 256,
    min: 2,
    max: 1_000_000,
    isInteger: true,
    unit: "rows",
    doc: "Rows drawn without replacement for each tree; small samples keep crowds of anomalies apart.",
  },
  maxFeatures: {
    default: 1,
    min: 0,
    isAboveMin: true,
    max: 1,
    unit: "ratio",
    doc: "Share of the features that each tree may split on.",
  },
} as const;

export type IsolationForestParameters = ParametersOf<typeof ISOLATION_FOREST_PARAMETERS>;
