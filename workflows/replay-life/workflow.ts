import {
  ActivityFailure,
  ApplicationFailure,
  continueAsNew,
  isCancellation,
  workflowInfo,
} from "@temporalio/workflow";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type {
  InService,
  JudgeResult,
  LivedSoFar,
  ReplayLifeInput,
  ReplayLifeResult,
  ReplayPlan,
  ReplayWindowResult,
  TrainingRecord,
} from "../../activities/replay-life/messages.ts";
import type { RunStage } from "../../schemas/runs/run.ts";
import { features, ingest, replayLife } from "../activity-proxies.ts";
import type { Stages } from "../pipeline/stages.ts";
import { trainAndEvaluate } from "../pipeline/workflow.ts";
import { show } from "../visibility.ts";
import { ReplayState } from "./state.ts";
import type { RetrainCause } from "./state.ts";

/** A training has about a hundred events, a window seven. A worker that takes over reads them all within seconds. */
const MAX_EVENTS = 250;

/**
 * History gone through again as if live: a model is trained at a moment on what was known then and scored forward window by
 * window; what retrains it live does so here, and gates and champion rule decide. Beside it the first model goes on alone.
 *
 * Steps of training are those of a run, on snapshots that end when the training is. Nothing is registered or promoted.
 *
 * **Messages**: none. **Idempotency**: the workflow id names pipeline file, files and options; steps are cached by their
 * inputs. **Continue-as-new**: between two windows, from 250 events on. **Versioning**: patched().
 */
export async function replayLifeWorkflow(input: ReplayLifeInput): Promise<ReplayLifeResult> {
  const { runId } = workflowInfo();
  const { spec, options, pipeline, model } = input;
  const life = new ShownLife(input);
  const lived = await goThrough(input, life, input.lived ?? (await begin(input, life)));
  const { plan, dataset, windows, trainings } = lived;
  life.tell("writing the report");
  const result = await replayLife.concludeReplay({
    runId,
    spec,
    dataset,
    pipeline,
    model,
    plan,
    options,
    windows,
    trainings,
  });
  show({ stage: "done" }, result.summary);
  return result;
}

interface History {
  readonly input: ReplayLifeInput;
  readonly plan: ReplayPlan;
  /** Manifest of the whole history. */
  readonly dataset: ObjectRef;
  readonly life: ShownLife;
}

/** Reads the files, and trains the first model. */
async function begin(input: ReplayLifeInput, life: ShownLife): Promise<LivedSoFar> {
  const { runId } = workflowInfo();
  const { spec, options, files } = input;
  life.tell("reading the files");
  const data = await ingest.ingestDataset({ runId, spec, files });
  show({ dataset: data.dataset.slice(0, 16) });
  const dataset = data.manifest;
  const plan = await replayLife.planReplay({ runId, spec, dataset, options });
  const history = { input, plan, dataset, life };
  const begun = await train(history, { number: 1, at: plan.start, reason: "the beginning", champion: null });
  if (begun.promoted === undefined)
    throw ApplicationFailure.nonRetryable(
      `replay-life [start]: the first model was refused: ${begun.record.message}`,
      "gate_refused",
    );
  const state = { champion: begun.promoted, lastTrainedAt: plan.start, seen: [] };
  return { dataset, plan, frozen: begun.promoted, state, trainings: [begun.record], windows: [] };
}

async function goThrough(input: ReplayLifeInput, life: ShownLife, before: LivedSoFar): Promise<LivedSoFar> {
  const { plan, dataset, frozen } = before;
  const history: History = { input, plan, dataset, life };
  const state = new ReplayState(plan, before.state);
  const trainings = [...before.trainings];
  const windows = [...before.windows];
  for (const [index, span] of plan.windows.entries()) {
    if (index < before.windows.length) continue;
    if (workflowInfo().historyLength > MAX_EVENTS) {
      const lived = { ...before, state: state.snapshot, trainings, windows };
      await continueAsNew<typeof replayLifeWorkflow>({ ...input, lived });
    }
    life.tell(`window ${index + 1} of ${plan.windows.length}`);
    const { watch } = state;
    const seen = await replayLife.replayWindow({
      runId: workflowInfo().runId,
      spec: input.spec,
      dataset,
      index,
      span,
      end: plan.end,
      champion: modelOf(state.champion),
      frozen: modelOf(frozen),
      earlier: state.earlier,
      ...(watch === undefined ? {} : { watch }),
    });
    windows.push({ document: seen.document });
    life.note(
      `window ${index + 1}: ${seen.state.replaceAll("_", " ")}${seen.confirmed ? ", confirmed" : ""}`,
    );
    const cause = state.sees(seen, span);
    if (cause === undefined) continue;
    const number = trainings.length + 1;
    const reason = reasonOf(cause, index + 1, seen);
    const retrained = await retrain(history, { number, at: span.to, reason, champion: state.champion });
    state.trained(span.to);
    trainings.push(retrained.record);
    life.note(`training ${number}: ${retrained.record.outcome}`);
    if (retrained.promoted !== undefined) state.promoted(retrained.promoted);
  }
  return { ...before, state: state.snapshot, trainings, windows };
}

function reasonOf(
  cause: RetrainCause,
  window: number,
  { detail, degraded, newLabels }: ReplayWindowResult,
): string {
  switch (cause) {
    case "drift":
      return `drift confirmed in window ${window}: ${detail}`;
    case "degradation":
      return `quality fell, confirmed in window ${window}: ${degraded}`;
    case "labels":
      return `${newLabels} new labels at the end of window ${window}`;
    case "schedule":
      return `its schedule, in window ${window}`;
  }
}

const modelOf = ({ training, manifest }: InService) => ({ training, manifest });

interface TrainingGiven {
  readonly number: number;
  readonly at: number;
  readonly reason: string;
  readonly champion: InService | null;
}

interface Trained {
  readonly record: TrainingRecord;
  /** Absent: it was refused, or failed. */
  readonly promoted?: InService;
}

/** A retrain that fails leaves the champion where it is, as it would live. */
async function retrain(history: History, given: TrainingGiven): Promise<Trained> {
  try {
    return await train(history, given);
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : error;
    if (isCancellation(error) || !(cause instanceof ApplicationFailure) || cause.type === "internal")
      throw error;
    const { number, at, reason } = given;
    const message = `${cause.type ?? "failed"}: ${cause.message}`.slice(0, 1_000);
    return { record: { number, at, reason, outcome: "failed", message } };
  }
}

async function train(history: History, given: TrainingGiven): Promise<Trained> {
  const { input, plan, dataset, life } = history;
  const { runId } = workflowInfo();
  const { number, at, reason, champion } = given;
  const { spec, model, pipeline } = input;
  const knownUntil = at - plan.labelDelay;
  life.tell(`training ${number}`);
  const data = await replayLife.snapshotDataset({ runId, spec, dataset, until: knownUntil });
  const before = champion === null ? null : champion.split;
  const split = await features.splitDataset({ runId, model, spec, dataset: data.manifest, before });
  const { featureSet, evaluated } = await trainAndEvaluate(
    plan.run,
    { spec, model, pipeline },
    { data, split, log: life.stagesOf(number) },
  );
  const judged: JudgeResult = await replayLife.judgeChallenger({
    runId,
    spec,
    dataset: data.manifest,
    split: split.split,
    featureSet,
    challenger: { manifest: evaluated.manifest, evaluation: evaluated.evaluation },
    champion: champion === null ? null : { ...modelOf(champion), knownUntil: champion.knownUntil },
  });
  const record: TrainingRecord = {
    number,
    at,
    reason,
    outcome: judged.passed ? "promoted" : "refused",
    message: judged.message,
    snapshot: data.dataset,
    digest: judged.digest,
    judgement: judged.judgement,
    report: evaluated.report,
  };
  if (!judged.passed) return { record };
  const { manifest, evaluation } = evaluated;
  const promoted = { training: number, manifest, split: split.split, knownUntil, evaluation };
  return { record, promoted };
}

/** What the Temporal UI shows: what it is at, and what happened so far. */
class ShownLife {
  readonly #lines: string[] = [];
  readonly #title: string;

  constructor({ pipeline, model }: ReplayLifeInput) {
    this.#title = `Replaying the history of **${pipeline}**`;
    show({ pipeline, model });
  }

  tell(stage: string): void {
    show({ stage }, [`${this.#title}: ${stage}`, "", ...this.#lines].join("\n"));
  }

  note(line: string): void {
    this.#lines.push(`- ${line}`);
  }

  /** The stages of one training. */
  stagesOf(number: number): Stages {
    const tell = (stage: RunStage) => this.tell(`training ${number}: ${stage}`);
    return {
      async run(stage, work) {
        tell(stage);
        return work();
      },
    };
  }
}
