import { join } from "node:path";
import { runChild } from "../child.ts";
import { measurePeer, peerReportSchema } from "../peer.ts";
import type { PeerReport } from "../peer.ts";
import type { RowSpec } from "../row.ts";
import type { BenchSuite, SuiteContext } from "../suite.ts";
import { CASES, FOREST_CASE, FOREST_SPECS, N_ROUNDS, TRAIN_SPECS } from "./specs.ts";
import type { Splitter, TrainingCase } from "./specs.ts";
import { trainingFile } from "./training-data.ts";

const THREADS = 2;
const TIMEOUT_MS = 900_000;
const SEED = 1;
const PEERS = ["lightgbm", "xgboost", "sklearn"] as const;
/** Trainings of a case, of which the median counts; the fits in a row of one are as many already. */
const CASE_REPEATS = 5;
const PREDICTED_ROWS = 1_000_000;

/** The trainer beside LightGBM, XGBoost and scikit-learn. */
export const trainSuite: BenchSuite = {
  name: "train",
  about:
    "Gradient boosting on generated rows, every library in a process of its own on the same file with two threads: 255 bins, learning rate 0.1, 100 rounds, median of the repeats, binning included. Forests are grown to pure leaves, trying the square root of the columns at each split. Ours gives the same bytes for any number of threads.",
  specs: TRAIN_SPECS,
  run: runTrainSuite,
};

async function runTrainSuite(context: SuiteContext): Promise<void> {
  await compareWide(context);
  if (context.quick) {
    context.say("quick: 100 k rows and one repeat; the full suite has all cases");
    return;
  }
  for (const name of ["deep", "columns", "many"] as const) await compareCase(context, name);
  for (const splitter of ["best", "random"] as const) await compareForest(context, splitter);
  await measureScaling(context);
  await comparePredictions(context);
  await compareExplanations(context);
}

async function compareWide(context: SuiteContext): Promise<void> {
  const wide = context.quick ? { ...CASES.wide, nRows: 100_000 } : CASES.wide;
  const repeats = context.quick ? 1 : 5;
  const [ours, lightgbm] = await measureBoth(context, "lightgbm", wide, repeats);
  addRow(context, TRAIN_SPECS.lightgbmMust, { ours, peer: lightgbm, metric: "seconds" });
  addRow(context, TRAIN_SPECS.lightgbm, { ours, peer: lightgbm, metric: "seconds" });
  for (const library of ["xgboost", "sklearn"] as const) {
    const peer = await measurePeer(context, "train_trees.py", [
      library,
      ...(await argumentsOf(context, wide, repeats)),
    ]);
    addRow(context, TRAIN_SPECS[library], { ours, peer, metric: "seconds" });
  }
  addRow(context, TRAIN_SPECS.auc, { ours, peer: lightgbm, metric: "auc" });
  addRow(context, TRAIN_SPECS.memory, { ours, peer: lightgbm, metric: "peakRssMiB" });
  const alone = await measureOurs(context, wide, repeats, 1);
  const speedup = (alone.metrics["seconds"] ?? Number.NaN) / (ours.metrics["seconds"] ?? Number.NaN);
  context.row(TRAIN_SPECS.threadsMust, { ours: speedup, seed: SEED });
  context.row(TRAIN_SPECS.threads, { ours: speedup, seed: SEED });
}

/** A case beside every peer. */
async function compareCase(context: SuiteContext, name: "deep" | "columns" | "many"): Promise<void> {
  const repeats = Math.max(1, Math.floor(CASE_REPEATS / CASES[name].nFits));
  const list = await argumentsOf(context, CASES[name], repeats);
  const ours = await runOurs(context, list);
  for (const library of PEERS) {
    const peer = await measurePeer(context, "train_trees.py", [library, ...list]);
    addRow(context, TRAIN_SPECS[`${name}-${library}`], { ours, peer, metric: "seconds" });
  }
}

/** Trees grown to pure leaves, where both sides mean the same by their limits. */
async function compareForest(context: SuiteContext, splitter: Splitter): Promise<void> {
  const { nRows, nColumns, nTrees, minSamplesLeaf } = FOREST_CASE;
  const path = await trainingFile(context.cache, nRows, nColumns);
  const sizes = [nRows, nColumns, nTrees, minSamplesLeaf, THREADS, CASE_REPEATS].map(String);
  const list = [splitter, path, ...sizes];
  const ours = await runOurs(context, list, "forest-process.js");
  const peer = await measurePeer(context, "train_forest.py", list);
  const { wall, wallMust, auc } = FOREST_SPECS[splitter];
  addRow(context, wallMust, { ours, peer, metric: "seconds" });
  addRow(context, wall, { ours, peer, metric: "seconds" });
  addRow(context, auc, { ours, peer, metric: "auc" });
}

async function measureScaling(context: SuiteContext): Promise<void> {
  const perRow: number[] = [];
  for (const nRows of [100_000, 1_000_000, 10_000_000]) {
    const report = await measureOurs(context, { ...CASES.wide, nRows }, 1, THREADS);
    perRow.push((report.metrics["seconds"] ?? Number.NaN) / nRows);
    if (nRows === 10_000_000) {
      context.row(TRAIN_SPECS.large, { ours: report.metrics["peakRssMiB"] ?? Number.NaN, seed: SEED });
    }
  }
  context.row(TRAIN_SPECS.scaling, { ours: Math.max(...perRow) / Math.min(...perRow), seed: SEED });
  context.say(
    `microseconds a row at 0.1, 1 and 10 M rows: ${perRow.map((s) => (s * 1e6).toFixed(2)).join(", ")}`,
  );
}

async function comparePredictions(context: SuiteContext): Promise<void> {
  const list = await argumentsOf(context, { ...CASES.wide, nRows: 100_000 }, 1);
  const asked = ["predict", await trainingFile(context.cache, PREDICTED_ROWS, CASES.wide.nColumns)];
  asked.push(String(PREDICTED_ROWS));
  const ours = await runOurs(context, [...list, ...asked]);
  const peer = await measurePeer(context, "train_trees.py", ["lightgbm", ...list, ...asked]);
  addRow(context, TRAIN_SPECS.predict, { ours, peer, metric: "predictSeconds" });
}

async function compareExplanations(context: SuiteContext): Promise<void> {
  const shape = { ...CASES.wide, nRows: 100_000 };
  const list = await argumentsOf(context, shape, 1, 300);
  const ours = await runOurs(context, [...list, "explain"]);
  const peer = await measurePeer(context, "train_trees.py", ["lightgbm", ...list, "explain"]);
  addRow(context, TRAIN_SPECS.explain, { ours, peer, metric: "explainSeconds" });
}

async function measureBoth(
  context: SuiteContext,
  library: string,
  shape: TrainingCase,
  repeats: number,
): Promise<[PeerReport, PeerReport | undefined]> {
  const list = await argumentsOf(context, shape, repeats);
  const peer = await measurePeer(context, "train_trees.py", [library, ...list]);
  return [await runOurs(context, list), peer];
}

async function measureOurs(
  context: SuiteContext,
  shape: TrainingCase,
  repeats: number,
  nThreads: number,
): Promise<PeerReport> {
  const list = await argumentsOf(context, shape, repeats);
  list[5] = String(nThreads);
  return runOurs(context, list);
}

/** FILE ROWS COLUMNS LEAVES ROUNDS THREADS FITS REPEATS, as both sides take them. */
async function argumentsOf(
  context: SuiteContext,
  { nRows, nColumns, numLeaves, nFits }: TrainingCase,
  repeats: number,
  nRounds = N_ROUNDS,
): Promise<string[]> {
  const path = await trainingFile(context.cache, nRows, nColumns);
  return [path, ...[nRows, nColumns, numLeaves, nRounds, THREADS, nFits, repeats].map(String)];
}

async function runOurs(
  context: SuiteContext,
  list: readonly string[],
  file = "ours-process.js",
): Promise<PeerReport> {
  const script = join(context.root, "dist", "benchmarks", "train", file);
  const result = await runChild({ command: process.execPath, args: [script, ...list] }, TIMEOUT_MS);
  if (result.code !== 0) throw new Error(`train [exit code ${result.code}]: ${result.stderr.slice(-2_000)}`);
  return peerReportSchema.parse(JSON.parse(result.stdout));
}

/** Both sides of one figure. */
interface Pair {
  readonly ours: PeerReport;
  readonly peer: PeerReport | undefined;
  readonly metric: "seconds" | "auc" | "peakRssMiB" | "explainSeconds" | "predictSeconds";
}

function addRow(context: SuiteContext, spec: RowSpec, { ours, peer, metric }: Pair): void {
  const peerValue = peer?.metrics[metric];
  context.row(spec, {
    ours: ours.metrics[metric] ?? Number.NaN,
    seed: SEED,
    ...(peer === undefined || peerValue === undefined ? {} : { peer: peerValue, peerVersion: peer.version }),
  });
}
