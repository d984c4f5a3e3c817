/** The settings of the random forest. */
import { BIN_PARAMETERS } from "../gbdt/bin-parameters.ts";
import type { ParametersOf } from "../parameter-table.ts";

export const FOREST_PARAMETERS = {
  numTrees: {
    default: 100,
    min: 1,
    max: 10_000,
    isInteger: true,
    unit: "trees",
    doc: "Trees that are averaged; more is steadier and slower, never worse fitted.",
  },
  maxDepth: {
    default: -1,
    min: -1,
    max: 64,
    isInteger: true,
    unit: "levels",
    doc: "Deepest leaf, the root being 0; −1 for no limit.",
  },
  minSamplesLeaf: {
    default: 5,
    min: 1,
    max: 1e9,
    isInteger: true,
    unit: "rows",
    doc: "Fewest drawn rows of a leaf, a row drawn twice counted twice (scikit-learn counts it once).",
  },
  maxFeatures: {
    default: 0,
    min: 0,
    max: 1,
    unit: "ratio",
    doc: "Share of the features tried at each split; 0 takes a third for regression, the square root for classes.",
  },
  splitter: {
    default: "best",
    choices: ["best", "random"],
    doc: "best: the best threshold of each feature tried; random: one drawn threshold per feature, on rows drawn once each (extra trees).",
  },
  maxSamples: {
    default: 1,
    min: 0,
    isAboveMin: true,
    max: 1,
    unit: "ratio",
    doc: "Rows drawn for each tree, as a share of the training rows; with replacement, but once each where the splitter is random.",
  },
  maxBin: { ...BIN_PARAMETERS.maxBin, default: 65_535, max: 65_535 },
  minDataInBin: { ...BIN_PARAMETERS.minDataInBin, default: 1 },
  binConstructSampleCnt: BIN_PARAMETERS.binConstructSampleCnt,
} as const;

export type ForestParameters = ParametersOf<typeof FOREST_PARAMETERS>;
