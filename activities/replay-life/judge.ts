/**
 * The decision that a person would take, taken by the rules of the pipeline file: gates and champion rule.
 *
 * What it rests on are rows that neither model has learnt from: of the challenger's holdout, those that came after
 * everything the champion knew. They are the newest labelled data there is, and the only ones that show whether the
 * challenger is better at what comes now. Where they are too few, the whole holdout decides, as in a run.
 */
import type { Evaluation, MetricSet } from "../../schemas/models/model-version.ts";
import { evaluationSchema } from "../../schemas/models/model-version.ts";
import { hashOf } from "../../schemas/canonical-json.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { MIN_SLICE_ROWS } from "../../schemas/models/model-version.ts";
import { splitDocumentSchema } from "../../schemas/data/split.ts";
import { getDocument, putDocument, readPipeline } from "../../stores/objects/documents.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { requireSameQuestion } from "../evaluation/champion-score.ts";
import { scoreRows } from "../evaluation/scoring.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { trainingChoice } from "../features/row-choice.ts";
import type { Beat } from "../heartbeat.ts";
import { decideGates } from "../registry/gates.ts";
import { finalRows } from "../training/fold-rows.ts";
import { problemOf } from "../training/problem.ts";
import type { JudgeInput, JudgeResult, ReplayModel } from "./messages.ts";
import { answersOf, readReplayVersion, seeDataset, thresholdOf } from "./replay-version.ts";
import type { SeenDataset } from "./replay-version.ts";
import type { Judgement } from "./seen-window.ts";

/** Of fewer rows of a class the newest ones do not decide. */
const MIN_CLASS_ROWS = 20;

export async function judgeChallenger(
  deps: ActivityDeps,
  input: JudgeInput,
  beat: Beat,
): Promise<JudgeResult> {
  const { objects } = deps;
  const pipeline = await readPipeline(objects, input.spec);
  const evaluation = await getDocument(objects, input.challenger.evaluation, evaluationSchema);
  const { manifest } = input.challenger;
  const { digest } = await readReplayVersion(deps, { training: 0, manifest });
  const judgement =
    input.champion === null
      ? judged(decideGates(pipeline, evaluation, undefined), {
          basis: "holdout",
          rows: evaluation.rows.test,
          metrics: evaluation.metrics.test,
          championMetrics: null,
        })
      : await compareModels(deps, { input, champion: input.champion, pipeline, evaluation }, beat);
  const { passed, message } = judgement;
  return {
    passed,
    message: message.slice(0, 1_000),
    digest,
    judgement: await putDocument(objects, judgement),
  };
}

function judged(
  { passed, message, gates }: ReturnType<typeof decideGates>,
  found: Pick<Judgement, "basis" | "rows" | "metrics" | "championMetrics">,
): Judgement {
  return { kind: "aura.replay-judgement/1", passed, message, gates: [...gates], ...found };
}

interface ModelsGiven {
  readonly input: JudgeInput;
  readonly champion: NonNullable<JudgeInput["champion"]>;
  readonly pipeline: Pipeline;
  readonly evaluation: Evaluation;
}

async function compareModels(deps: ActivityDeps, given: ModelsGiven, beat: Beat): Promise<Judgement> {
  const { input, champion, pipeline, evaluation } = given;
  const split = await getDocument(deps.objects, input.split, splitDocumentSchema);
  const truth = await deps.tables.load(input.featureSet, trainingChoice(pipeline));
  const held = finalRows(truth, pipeline, split).test;
  const newest = held.filter((row) => (truth.t[row] as number) > champion.knownUntil);
  const isEnough = canDecide(pipeline, truth, newest);
  const rows = isEnough ? newest : held;
  const metricsOf = async (model: ReplayModel) => {
    const own = await seeDataset(deps, { model, dataset: input.dataset, pipeline, hasLabel: false }, beat);
    return metricsOn(deps, { own, truth, pipeline, rows }, beat);
  };
  const challengerModel = { training: champion.training + 1, manifest: input.challenger.manifest };
  const metrics = await metricsOf(challengerModel);
  const championMetrics = await metricsOf(champion);
  const known = { ...evaluation, metrics: { ...evaluation.metrics, test: metrics } };
  const identity = hashOf({ holdout: evaluation.holdout, after: isEnough ? champion.knownUntil : null });
  const decision = decideGates(
    pipeline,
    { ...known, holdout: identity },
    { version: champion.training, rows: identity, metrics: championMetrics },
  );
  const basis = isEnough ? "newest" : "holdout";
  return judged(decision, { basis, rows: rows.length, metrics, championMetrics });
}

function canDecide(pipeline: Pipeline, truth: FeatureTable, rows: Int32Array): boolean {
  if (rows.length < MIN_SLICE_ROWS) return false;
  if (problemOf(pipeline, truth.classLabels).kind !== "binary") return true;
  const positives = rows.reduce((sum, row) => sum + (truth.y[row] === 1 ? 1 : 0), 0);
  return Math.min(positives, rows.length - positives) >= MIN_CLASS_ROWS;
}

/** Answers of a model through its own view, against the challenger's rows and truth. */
async function metricsOn(
  deps: ActivityDeps,
  given: {
    readonly own: SeenDataset;
    readonly truth: FeatureTable;
    readonly pipeline: Pipeline;
    readonly rows: Int32Array;
  },
  beat: Beat,
): Promise<MetricSet> {
  const { own, truth, pipeline, rows } = given;
  const problem = problemOf(pipeline, truth.classLabels);
  const { classLabels } = truth;
  requireSameQuestion(own.version, own.version.signature, { pipeline, problem, classLabels });
  const prediction = await answersOf(deps, own, rows);
  const { test } = await scoreRows(
    deps,
    {
      table: truth,
      pipeline,
      problem,
      rows,
      prediction,
      baseline: prediction,
      threshold: thresholdOf(own.version),
      interval: own.version.signature.output.interval ?? null,
      slices: [],
      intervalsOf: [],
    },
    beat,
  );
  return test;
}
