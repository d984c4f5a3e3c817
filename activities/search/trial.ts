import { shouldPrune } from "../../numerics/search/pruner.ts";
import type { TrialCurve } from "../../numerics/search/pruner.ts";
import { proposePoint } from "../../numerics/search/sampler.ts";
import type { Point } from "../../numerics/search/space.ts";
import { findMetric } from "../../numerics/metrics/metric-table.ts";
import type { MetricSet } from "../../schemas/models/model-version.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { SearchSettings } from "../../schemas/pipeline/search.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { isPlatformError, PlatformError } from "../../schemas/platform-error.ts";
import type { SplitDocument } from "../../schemas/data/split.ts";
import type { TrialFold, TrialView } from "../../schemas/runs/trial.ts";
import { getNumbers, putNumbers } from "../../stores/objects/numbers.ts";
import type { NumberColumns } from "../../stores/objects/numbers.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { trainingChoice } from "../features/row-choice.ts";
import type { Beat } from "../heartbeat.ts";
import { categoricalColumns } from "../training/categorical-columns.ts";
import type { TrainingCheckpoint } from "../training/checkpoint-sender.ts";
import { requireRows, rowsOfFold } from "../training/fold-rows.ts";
import { outOfFoldRows } from "../training/out-of-fold-rows.ts";
import { poolRows } from "../training/pooled-rows.ts";
import { problemOf, targetsOf } from "../training/problem.ts";
import type { Problem } from "../training/problem.ts";
import type { CandidateRows } from "../training/summarise-candidates.ts";
import { binKey } from "./bin-cache.ts";
import type { BinCache } from "./bin-cache.ts";
import { prunerOf, samplerOf, searchedCandidate, searchSettingsOf, withPoint } from "./plan.ts";
import type { SearchPlan } from "./plan.ts";
import { CHECKPOINT_MS } from "../training/training-attempt.ts";
import { TrialProgress } from "./trial-progress.ts";

/** Raised when the same point would give another result than before. */
export const TRIAL_VERSION = 7;

export interface TrialDeps extends Pick<ActivityDeps, "objects" | "tables" | "cpu" | "log"> {
  readonly bins: BinCache;
  /** Milliseconds of boosting that a crash costs at most, beside the heartbeat that was on its way; default 3 s. */
  readonly checkpointMs?: number;
}

/** One trial as it is to be run. */
export interface TrialOrder {
  readonly plan: SearchPlan;
  /** SHA-256 of the plan. */
  readonly planHash: string;
  readonly pipeline: Pipeline;
  readonly split: SplitDocument;
  readonly number: number;
  /** Results of the trials that it sees, and of no others. */
  readonly earlier: readonly TrialView[];
}

export function seedOf(pipeline: Pipeline): number {
  return searchSettingsOf(pipeline).seed ?? pipeline.split.seed;
}

/** Names of the metrics, the one that is searched for first. */
export function objectivesOf({ search, metrics }: Pipeline, problem: Problem): readonly string[] {
  return search?.objectives ?? [metrics.primary ?? problem.primaryMetric];
}

/**
 * Trains one point on one fold after another until all are done or the pruner ends it.
 *
 * The point follows from seed, number and the trials that it sees, and so does every decision to prune: the
 * trial is the same whoever runs it and whatever else runs. A point that cannot be trained is a failed trial, and no
 * error.
 */
export async function runTrial(deps: TrialDeps, order: TrialOrder, beat: Beat): Promise<TrialView> {
  const { pipeline, plan, number } = order;
  const point = pointOf(order);
  const progress = new TrialProgress(deps, beat);
  const trial = new Trial(deps, order, { point, progress, beat });
  const common = { candidate: plan.candidate, number, parameters: point, seed: seedOf(pipeline) };
  const ended = await trial.run().catch(failedTrial);
  await progress.removeCheckpoints();
  return { ...common, ...ended, folds: [...progress.folds], seconds: progress.seconds };
}

/** What no parameters and no retry can help is a failed trial; anything else is thrown on. */
function failedTrial(error: unknown): TrialEnd {
  if (!isPlatformError(error) || error.code !== "not_enough_data") throw error;
  return { state: "failed", objectives: [], loss: null, metrics: {}, message: error.message };
}

function pointOf({ pipeline, plan, number, earlier }: TrialOrder): Point {
  const { search } = searchedCandidate(pipeline, plan.candidate);
  const results = earlier.map((trial) => ({
    number: trial.number,
    point: trial.parameters,
    losses: trial.loss === null ? null : trial.objectives.map(({ loss }) => loss),
  }));
  const point = proposePoint(search, samplerOf(searchSettingsOf(pipeline)), number, results);
  if (point === null) throw new PlatformError("internal", `propose trial ${number}: the grid is used up`);
  return point;
}

type JudgedFold = Omit<TrialFold, "rows">;
type TrialEnd = Pick<TrialView, "state" | "objectives" | "loss" | "metrics" | "message">;

interface TrialState {
  readonly point: Point;
  readonly progress: TrialProgress;
  readonly beat: Beat;
}

class Trial {
  readonly #deps: TrialDeps;
  readonly #order: TrialOrder;
  readonly #progress: TrialProgress;
  readonly #beat: Beat;
  readonly #candidate: Candidate;
  readonly #settings: SearchSettings;
  readonly #rows: NumberColumns[] = [];
  /** Folds that are judged; those of them that are stored as well are the progress. */
  readonly #folds: JudgedFold[];
  /** The rows of the last fold on their way to the store, beside the training of the next one. */
  #storing: Promise<void> = Promise.resolve();

  constructor(deps: TrialDeps, order: TrialOrder, { point, progress, beat }: TrialState) {
    const { pipeline, plan } = order;
    this.#deps = deps;
    this.#order = order;
    this.#progress = progress;
    this.#folds = [...progress.folds];
    this.#beat = beat;
    const { search: _, ...declared } = searchedCandidate(pipeline, plan.candidate);
    this.#candidate = withPoint(declared, point);
    this.#settings = searchSettingsOf(pipeline);
  }

  /** How the trial ends; every fold that it judged is stored then, also where the next could not be trained. */
  async run(): Promise<TrialEnd> {
    try {
      return await this.#runFolds();
    } finally {
      await this.#storing;
    }
  }

  async #runFolds(): Promise<TrialEnd> {
    const { plan, pipeline } = this.#order;
    const [first] = plan.folds;
    const { classLabels } = await this.#load(first?.featureSet);
    const problem = problemOf(pipeline, classLabels);
    for (const { rows } of this.#progress.folds) this.#rows.push(await getNumbers(this.#deps.objects, rows));
    // An attempt that goes on after a crash first decides again what the one before it may not have come to decide.
    for (;;) {
      const nDone = this.#rows.length;
      if (nDone === plan.folds.length) return this.#end("complete", problem);
      if (nDone > 0 && this.#isPruned(problem)) return this.#end("pruned", problem);
      const rounds = await this.#trainFold(problem, nDone);
      await this.#endFold(problem, rounds);
    }
  }

  #load(featureSet: ObjectRef | undefined): Promise<FeatureTable> {
    if (featureSet === undefined) throw new PlatformError("integrity", "read search plan: it has no folds");
    return this.#deps.tables.load(featureSet, trainingChoice(this.#order.pipeline));
  }

  /** @returns boosting rounds that were kept; null where nothing is boosted */
  async #trainFold(problem: Problem, place: number): Promise<number | null> {
    const { plan, pipeline, split, planHash, number } = this.#order;
    const { repeat = 0, fold = 0, featureSet } = plan.folds[place] ?? {};
    const table = await this.#load(featureSet);
    const rows = rowsOfFold(table, { pipeline, split, repeat, fold });
    requireRows(rows, `fold ${fold} of repeat ${repeat}`);
    const owner = { subject: `trial ${number} of plan ${planHash}`, place, version: TRIAL_VERSION };
    const resumeFrom = await this.#progress.goOnFrom(owner);
    const key = binKey(planHash, place, this.#candidate);
    const binned = this.#deps.bins.get(key);
    const output = await this.#deps.cpu.run(
      "trainTrialFold",
      {
        matrix: table.matrix,
        categorical: categoricalColumns(table.features),
        featureNames: table.features.map(({ name }) => name),
        ...targetsOf(problem, table, { pipeline, split }),
        rows,
        candidate: this.#candidate,
        seed: pipeline.split.seed + 1000 * repeat,
        bounds: problem.bounds,
        checkpointMs: this.#deps.checkpointMs ?? CHECKPOINT_MS,
        ...(resumeFrom === undefined ? {} : { resumeFrom }),
        ...(binned === undefined ? {} : { binned }),
      },
      {
        signal: this.#beat.signal,
        onCheckpoint: (checkpoint) => this.#progress.keep(owner, checkpoint as TrainingCheckpoint),
      },
    );
    if (output.binned !== undefined) this.#deps.bins.keep(key, output.binned);
    this.#rows.push({
      ...outOfFoldRows(pipeline, table, { ...output, rows }),
      history: Float64Array.from(output.history),
    });
    return output.bestIteration;
  }

  /**
   * Over all folds so far: pooled within a repeat, averaged over repeats.
   *
   * @param only  metrics that are asked for; all when absent
   */
  #score(problem: Problem, only?: readonly string[]): Promise<MetricSet> {
    const { plan, pipeline } = this.#order;
    const done = this.#rows.map((columns, place) => ({
      columns,
      repeat: plan.folds[place]?.repeat ?? 0,
      fold: plan.folds[place]?.fold ?? 0,
    }));
    const repeats = [...new Set(done.map(({ repeat }) => repeat))];
    const candidate: CandidateRows = {
      name: plan.candidate,
      kind: this.#candidate.kind,
      repeats: repeats.map((repeat) => poolRows(done.filter((fold) => fold.repeat === repeat))),
      iterations: null,
    };
    const costs = pipeline.costs ?? null;
    const job = { problem, candidate, costs, ...(only === undefined ? {} : { only }) };
    return this.#deps.cpu.run("scoreTrial", job, { signal: this.#beat.signal });
  }

  async #endFold(problem: Problem, rounds: number | null): Promise<void> {
    const place = this.#rows.length - 1;
    const { repeat = 0, fold = 0 } = this.#order.plan.folds[place] ?? {};
    const names = objectivesOf(this.#order.pipeline, problem);
    const metrics = await this.#score(problem, names);
    const values = names.map((name) => metrics[name] ?? null);
    const several = values.length > 1 ? { values } : {};
    const judged = { repeat, fold, value: values[0] ?? null, ...several, rounds };
    this.#folds.push(judged);
    await this.#storing;
    this.#storing = this.#storeFold(judged, this.#rows[place] ?? {});
    // Awaited before the next fold is stored, or in the end.
    this.#storing.catch(() => undefined);
  }

  async #storeFold(judged: JudgedFold, columns: NumberColumns): Promise<void> {
    this.#progress.endFold({ ...judged, rows: await putNumbers(this.#deps.objects, columns) });
  }

  #isPruned(problem: Problem): boolean {
    const metrics = objectivesOf(this.#order.pipeline, problem);
    const earlier = this.#order.earlier
      .filter((trial) => trial.state !== "failed")
      .map((trial): TrialCurve => ({
        number: trial.number,
        losses: lossesOf(metrics, trial.folds),
        isPruned: trial.state === "pruned",
      }));
    return shouldPrune(prunerOf(this.#settings), lossesOf(metrics, this.#folds), earlier);
  }

  async #end(state: "complete" | "pruned", problem: Problem): Promise<TrialEnd> {
    const metrics = await this.#score(problem);
    const objectives = objectivesOf(this.#order.pipeline, problem).map((metric) => {
      const value = metrics[metric];
      if (value === undefined || !Number.isFinite(value)) {
        const what = `score trial ${this.#order.number}: ${metric} is undefined on its out-of-fold rows`;
        throw new PlatformError("not_enough_data", what);
      }
      return { metric, value, loss: lossOf(metric, value) };
    });
    return { state, objectives, loss: objectives[0]?.loss ?? null, metrics };
  }
}

/** Lower is better. */
function lossOf(metric: string, value: number): number {
  return findMetric(metric).direction === "higher" ? -value : value;
}

/** By objective and fold; NaN where a metric is undefined on the rows so far. */
function lossesOf(metrics: readonly string[], folds: readonly JudgedFold[]): number[][] {
  return metrics.map((metric, objective) =>
    folds.map(({ value, values = [value] }) => {
      const own = values[objective] ?? null;
      return own === null ? Number.NaN : lossOf(metric, own);
    }),
  );
}
