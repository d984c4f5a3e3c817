import type { RowSpec } from "../row.ts";

/** One training that is measured beside the peers. */
export interface TrainingCase {
  readonly name: string;
  readonly nRows: number;
  readonly nColumns: number;
  readonly numLeaves: number;
  /** Fits in a row that one figure covers. */
  readonly nFits: number;
}

export const CASES = {
  wide: { name: "800 k × 28, 31 leaves", nRows: 800_000, nColumns: 28, numLeaves: 31, nFits: 1 },
  deep: { name: "800 k × 28, 255 leaves", nRows: 800_000, nColumns: 28, numLeaves: 255, nFits: 1 },
  columns: { name: "100 k × 200, 31 leaves", nRows: 100_000, nColumns: 200, numLeaves: 31, nFits: 1 },
  many: {
    name: "20 k × 60, 31 leaves, 50 fits in a row",
    nRows: 20_000,
    nColumns: 60,
    numLeaves: 31,
    nFits: 50,
  },
} as const satisfies Record<string, TrainingCase>;

/** Boosting rounds of every case; 255 bins, learning rate 0.1, binary log-loss. */
export const N_ROUNDS = 100;

/** How many times faster than the peer: 1 is as fast. */
const timesFaster = (work: string, min: number, kind: "must" | "aim"): RowSpec => ({
  work: `${work}, ${N_ROUNDS} rounds, binary: wall with binning`,
  unit: "s",
  kind,
  better: "lower",
  of: "ratio",
  min,
});

const PEER_NAMES = {
  lightgbm: "LightGBM",
  xgboost: "XGBoost hist",
  sklearn: "HistGradientBoosting",
} as const;

/** A row per peer of one case. */
function besideEach<N extends "deep" | "columns" | "many">(name: N) {
  const row = (peer: keyof typeof PEER_NAMES) =>
    timesFaster(`${CASES[name].name}, beside ${PEER_NAMES[peer]}`, 1, "aim");
  return {
    [`${name}-lightgbm`]: row("lightgbm"),
    [`${name}-xgboost`]: row("xgboost"),
    [`${name}-sklearn`]: row("sklearn"),
  } as Record<`${N}-${keyof typeof PEER_NAMES}`, RowSpec>;
}

/** A forest beside scikit-learn's, as both grow it with their defaults: every leaf pure, √28 columns tried. */
export const FOREST_CASE = { nRows: 100_000, nColumns: 28, nTrees: 100, minSamplesLeaf: 1 } as const;

const FOREST_PEERS = { best: "RandomForestClassifier", random: "ExtraTreesClassifier" } as const;
export type Splitter = keyof typeof FOREST_PEERS;

/** Wall and accuracy of one kind of forest. */
function forestRows(splitter: Splitter) {
  const name = splitter === "best" ? "random forest" : "extra trees";
  const work = `100 k × 28, ${name}, ${FOREST_CASE.nTrees} trees, beside ${FOREST_PEERS[splitter]} (n_jobs 2)`;
  const wall: RowSpec = {
    work: `${work}: wall`,
    unit: "s",
    kind: "aim",
    better: "lower",
    of: "ratio",
    min: 1,
  };
  return {
    wall,
    wallMust: { ...wall, kind: "must", min: 1 / 1.5 },
    // Not more than 0.002 below an area of about 0.89.
    auc: {
      work: `${work}: ROC AUC on held-out rows`,
      unit: "area",
      kind: "must",
      better: "higher",
      of: "ratio",
      min: 0.9978,
    },
  } as const satisfies Record<string, RowSpec>;
}

export const FOREST_SPECS = { best: forestRows("best"), random: forestRows("random") } as const;

export const TRAIN_SPECS = {
  lightgbmMust: timesFaster(`${CASES.wide.name}, beside LightGBM`, 1 / 1.5, "must"),
  lightgbm: timesFaster(`${CASES.wide.name}, beside LightGBM`, 1, "aim"),
  xgboost: timesFaster(`${CASES.wide.name}, beside XGBoost hist`, 1 / 0.8, "aim"),
  sklearn: timesFaster(`${CASES.wide.name}, beside HistGradientBoosting`, 1 / 0.8, "aim"),
  // Not more than 0.0005 below an area of about 0.91.
  auc: {
    work: `${CASES.wide.name}: ROC AUC on held-out rows, beside LightGBM`,
    unit: "area",
    kind: "must",
    better: "higher",
    of: "ratio",
    min: 0.99945,
  },
  memory: {
    work: `${CASES.wide.name}: peak resident memory of the process`,
    unit: "MiB",
    kind: "aim",
    better: "lower",
    of: "ratio",
    min: 1,
  },
  ...besideEach("deep"),
  ...besideEach("columns"),
  ...besideEach("many"),
  threadsMust: {
    work: `${CASES.wide.name}: 2 threads over 1`,
    unit: "times faster",
    kind: "must",
    better: "higher",
    of: "ours",
    min: 1.5,
  },
  threads: {
    work: `${CASES.wide.name}: 2 threads over 1`,
    unit: "times faster",
    kind: "aim",
    better: "higher",
    of: "ours",
    min: 1.7,
  },
  scaling: {
    work: "28 columns, 31 leaves, 0.1 to 10 M rows: largest over smallest time per row",
    unit: "ratio",
    kind: "aim",
    better: "lower",
    of: "ours",
    max: 1.3,
  },
  large: {
    work: "10 M × 28: peak resident memory of the process",
    unit: "MiB",
    kind: "must",
    better: "lower",
    of: "ours",
    max: 2048,
  },
  forestMust: FOREST_SPECS.best.wallMust,
  forest: FOREST_SPECS.best.wall,
  forestAuc: FOREST_SPECS.best.auc,
  extraTreesMust: FOREST_SPECS.random.wallMust,
  extraTrees: FOREST_SPECS.random.wall,
  extraTreesAuc: FOREST_SPECS.random.auc,
  predict: {
    work: "Predictions of 1 M rows × 28, 100 trees: the exported graph in ONNX Runtime, beside LightGBM's predict",
    unit: "s",
    kind: "aim",
    better: "lower",
    of: "ratio",
    min: 1,
  },
  explain: {
    work: "Shapley values of 10 k rows, 300 trees, beside LightGBM's pred_contrib",
    unit: "s",
    kind: "aim",
    better: "lower",
    of: "ratio",
    min: 1 / 1.5,
  },
} as const satisfies Record<string, RowSpec>;
