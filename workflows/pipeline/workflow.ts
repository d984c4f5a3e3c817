import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  patched,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type { RegisterResult } from "../../activities/registry/messages.ts";
import type { PipelineInput, PipelineResult, RunPlan } from "../../activities/runs/messages.ts";
import type { ErrorLocation } from "../../schemas/platform-error.ts";
import type { TrainFinalResult } from "../../activities/training/messages.ts";
import type { RunOutcome } from "../../schemas/runs/run.ts";
import type { ApprovalResult } from "../approval/messages.ts";
import {
  envelopes,
  evaluation,
  features,
  ingest,
  monitoring,
  registry,
  runs,
  training,
} from "../activity-proxies.ts";
import { causeOf } from "../failure-cause.ts";
import { show } from "../visibility.ts";
import { adoptAndEvaluate } from "./adoption.ts";
import { askForApproval, promote, rollOut } from "./decision.ts";
import { trainExternalFinal } from "./external-training.ts";
import { progressQuery } from "./messages.ts";
import { searchCandidates } from "./search.ts";
import type { Searched } from "./search.ts";
import type { EvaluatedModel, Snapshot } from "./snapshot.ts";
import { StageLog } from "./stages.ts";
import type { Stages } from "./stages.ts";
import { crossValidate, featureSetOf, prepareFeatures, taskQueueOf } from "./training.ts";

/**
 * ingest → split → transform → train → evaluate → register → gate → approve → promote.
 *
 * Every step is an idempotent activity whose result is cached by the hash of its inputs, so that a crash resumes and
 * a second run on the same data reuses; documents and data travel as content-addressed references.
 *
 * **Messages**: query `progress`; the decision goes to the child `approve/…`. **Continue-as-new**: none; a run has
 * some hundred events. **Versioning**: patched(), with complete histories under tests/replay.
 */
export async function pipelineWorkflow(input: PipelineInput): Promise<PipelineResult> {
  show({ pipeline: input.pipeline, model: input.model, stage: "ingest" });
  const plan = await runs.openRun(input);
  const log = new StageLog(plan.runId, input.model);
  setHandler(progressQuery, () => ({
    stage: log.current,
    awaiting: log.current === "approve" ? "approval" : null,
  }));
  try {
    const trained = await trainAndRegister(plan, input, log);
    const outcome = await decide(plan, input, { ...trained, log });
    const { runId } = plan;
    const { model } = input;
    await runs.finishRun({ runId, outcome, model });
    show({ stage: outcome });
    const { version, digest, metrics } = trained.version;
    const { workflowId } = workflowInfo();
    return {
      runId,
      workflowId,
      model,
      outcome,
      version,
      digest,
      dataset: trained.dataset,
      metrics,
      gates: trained.gates,
    };
  } catch (error) {
    await CancellationScope.nonCancellable(() => recordEnd(plan, error));
    throw error;
  }
}

interface Trained {
  readonly dataset: string;
  readonly version: RegisterResult;
  readonly gates: PipelineResult["gates"];
  readonly refused: boolean;
  readonly gate: Awaited<ReturnType<typeof registry.checkGates>> | null;
}

async function trainAndRegister(plan: RunPlan, input: PipelineInput, log: StageLog): Promise<Trained> {
  const { data, split } = await readAndSplit(plan, input, log);
  const { imported } = input;
  const evaluated =
    imported === undefined
      ? await trainAndEvaluate(plan, input, { log, data, split })
      : await adoptAndEvaluate(plan, input, { log, data, split, imported });
  return registerAndCheck(plan, input, { log, data, split, ...evaluated });
}

async function readAndSplit(plan: RunPlan, input: PipelineInput, log: StageLog): Promise<Snapshot> {
  const { runId } = plan;
  const { spec, model } = input;
  const data = await log.run(
    "ingest",
    () => ingest.ingestDataset({ runId, spec, files: input.files }),
    (r) => ({
      detail: `${r.rows} rows of ${r.assets} assets accepted, ${r.quarantined} quarantined`,
      isReused: r.isReused,
    }),
  );
  show({ dataset: data.dataset.slice(0, 16) });
  await runs.updateRun({ runId, dataset: data.dataset });
  const split = await log.run(
    "split",
    () => features.splitDataset({ runId, model, spec, dataset: data.manifest }),
    (r) => r,
  );
  return { data, split };
}

/** All between a snapshot and a version's files; a run registers them, a reproduction compares them. */
export async function trainAndEvaluate(
  plan: RunPlan,
  input: Pick<PipelineInput, "spec" | "model" | "pipeline">,
  { data, split, log }: Snapshot & { readonly log: Stages },
): Promise<EvaluatedModel> {
  const prepared = await log.run(
    "transform",
    () => prepareFeatures(plan, input, { ingest: data, split }),
    (r) => ({
      detail: `${r.nFeatures} features of ${r.rows} rows`,
      isReused: r.isReused,
    }),
  );
  const featureSet = featureSetOf(prepared, prepared.fit.final);
  const given = { data, split, log, prepared, featureSet };
  return {
    featureSet,
    evaluated: await evaluate(plan, input, { ...given, trained: await train(plan, input, given) }),
  };
}

/** A snapshot with its features. */
interface Featured extends Snapshot {
  readonly log: Stages;
  readonly prepared: Awaited<ReturnType<typeof prepareFeatures>>;
  readonly featureSet: ReturnType<typeof featureSetOf>;
}

/** Parameters by search, the candidate by cross-validation, and its final training on all that may be learnt from. */
function train(
  plan: RunPlan,
  input: Pick<PipelineInput, "spec" | "model" | "pipeline">,
  { data, split, log, prepared, featureSet }: Featured,
) {
  const { runId } = plan;
  return log.run(
    "train",
    async () => {
      const leakage = await training.checkLeakage({
        runId,
        spec: input.spec,
        dataset: data.manifest,
        split: split.split,
        featureSet,
      });
      const searched = await searchCandidates(plan, input, prepared);
      const { spec } = searched;
      const selected = await crossValidate(plan, { ...input, spec }, prepared);
      const job = { spec, split: split.split, featureSet, selection: selected.selection };
      const { candidate } = selected;
      const taskQueue = taskQueueOf(plan, candidate);
      if (taskQueue !== undefined) {
        const graph = await trainExternalFinal(plan, input, { ...job, candidate, taskQueue });
        return { leakage, searched, selected, final: { ...graph, trainer: taskQueue } };
      }
      return { leakage, searched, selected, final: await training.trainFinal({ ...job, runId }) };
    },
    ({ searched, selected, final }) => ({
      detail: `${selected.candidate} chosen by ${selected.primaryMetric} ${format(selected.cv[selected.primaryMetric])} (cv)${searchText(searched)}${"models" in final ? sampleText(final.sample) : `, trained on ${final.trainer}`}`,
      isReused: selected.isReused && "models" in final && final.isReused,
    }),
  );
}

function evaluate(
  plan: RunPlan,
  { model }: Pick<PipelineInput, "model">,
  given: Featured & { readonly trained: Awaited<ReturnType<typeof train>> },
) {
  const { data, split, log, featureSet } = given;
  const { final, selected, leakage, searched } = given.trained;
  const { fit } = given.prepared;
  const { primaryMetric } = selected;
  return log.run(
    "evaluate",
    () => {
      const subject = {
        runId: plan.runId,
        model,
        spec: searched.spec,
        dataset: data.manifest,
        split: split.split,
        datasetId: data.dataset,
        holdoutHash: split.holdoutHash,
        view: fit.view,
        fitted: fit.final,
        featureSet,
        selection: selected.selection,
      };
      if ("models" in final)
        return evaluation.evaluateModel({ ...subject, models: final.models, leakage: leakage.checks });
      const { onnx, file, trainer } = final;
      const origin = { kind: "external", file, trainer } as const;
      return evaluation.evaluateForeignModel({ ...subject, onnx, origin, leakage: leakage.checks });
    },
    (r) => ({
      detail: `${primaryMetric} ${format(r.metrics.test[primaryMetric])} (test)`,
      isReused: r.isReused,
    }),
  );
}

async function registerAndCheck(
  plan: RunPlan,
  input: PipelineInput,
  given: Snapshot & EvaluatedModel & { readonly log: StageLog },
): Promise<Trained> {
  const { log, data, split, featureSet, evaluated } = given;
  const { runId } = plan;
  const { spec, model } = input;
  const common = { runId, model, spec, dataset: data.manifest, split: split.split };
  const version = await log.run(
    "register",
    () =>
      registry.registerVersion({
        runId,
        model,
        spec,
        dataset: data.dataset,
        manifest: evaluated.manifest,
        evaluation: evaluated.evaluation,
        holdout: { hash: split.holdoutHash, object: split.split },
      }),
    (r) => ({
      detail: `${model}@${r.version} ${r.digest.slice(0, 12)}${r.isChampion ? championText(r) : ""}`,
    }),
  );
  show({ version: String(version.version) });
  if (version.isChampion)
    return { dataset: data.dataset, version, gates: version.gates ?? [], refused: false, gate: null };
  const gate = await log.run(
    "gate",
    async () => {
      const champion = await evaluation.scoreChampion({
        ...common,
        featureSet,
        holdoutHash: split.holdoutHash,
      });
      const scored = champion === null ? {} : { champion };
      const about = { runId, model, version: version.version, ...scored };
      const envelope = input.isRetrain === true ? await envelopes.checkEnvelope(about) : null;
      return registry.checkGates({ ...about, spec, ...(envelope === null ? {} : { envelope }) });
    },
    (r) => ({ detail: r.message }),
  );
  return { dataset: data.dataset, version, gates: gate.gates, refused: !gate.passed, gate };
}

async function decide(
  plan: RunPlan,
  input: PipelineInput,
  trained: Trained & { log: StageLog },
): Promise<RunOutcome> {
  const { version, gate, log } = trained;
  if (version.isChampion) {
    // Its file may say otherwise how the champion is watched.
    if (patched("schedules-of-unchanged"))
      await monitoring.ensureMonitoring({ runId: plan.runId, model: input.model });
    return "unchanged";
  }
  if (trained.refused || gate === null) return "refused";
  const approval = await log.run(
    "approve",
    () => askForApproval(plan, input, { version, gate }),
    (r) => ({
      detail: `${r.outcome}${r.decidedBy.length > 0 ? ` by ${r.decidedBy.join(", ")}` : ""}`,
    }),
  );
  if (approval.outcome !== "approved") return approval.outcome;
  const { rollout } = plan;
  const outcome =
    rollout === undefined
      ? await promoteAtOnce(input, { version, approval, log })
      : await promoteInStages({ ...plan, rollout }, input, { version, approval, log });
  if (outcome !== "promoted") return outcome;
  await monitoring.ensureMonitoring({ runId: plan.runId, model: input.model, version: version.version });
  return "promoted";
}

interface Approved {
  readonly version: RegisterResult;
  readonly approval: ApprovalResult;
  readonly log: StageLog;
}

async function promoteAtOnce(
  input: PipelineInput,
  { version, approval, log }: Approved,
): Promise<RunOutcome> {
  const promotion = await log.run(
    "promote",
    () => promote(input, version, approval),
    (r) => ({ detail: "refused" in r ? r.refused : `champion since ${r.at}` }),
  );
  return "refused" in promotion ? "refused" : "promoted";
}

/** A plan says how only where the pipeline file declares it: histories from before there were rollouts never come here. */
async function promoteInStages(
  plan: RunPlan & Required<Pick<RunPlan, "rollout">>,
  input: PipelineInput,
  { version, approval, log }: Approved,
): Promise<RunOutcome> {
  const { outcome } = await log.run(
    "promote",
    () => rollOut(plan, input, { version, approval }),
    (r) => ({
      detail: `${r.outcome.replace("_", " ")}: ${r.guard === null ? "" : `[${r.guard}] `}${r.reason}`,
    }),
  );
  return outcome;
}

/** The run row must end even when the workflow was cancelled: it outlives Temporal's retention. */
async function recordEnd(plan: RunPlan, error: unknown): Promise<void> {
  if (isCancellation(error)) {
    await runs.failRun({ runId: plan.runId, status: "cancelled", code: "cancelled", message: "cancelled" });
    return;
  }
  const { cause, code, message } = causeOf(error);
  const locations = cause instanceof ApplicationFailure ? locationsOf(cause) : [];
  const where = locations.length === 0 ? {} : { locations };
  await runs.failRun({ runId: plan.runId, status: "failed", code, message, ...where });
}

/** Where it is wrong, as `activities/failures` puts it into the first detail. */
function locationsOf({ details }: ApplicationFailure): readonly ErrorLocation[] {
  const detail = details?.[0] as { readonly locations?: readonly ErrorLocation[] } | undefined;
  return detail?.locations ?? [];
}

function championText({ gates = [] }: RegisterResult): string {
  const missed = gates.filter(({ passed }) => !passed).map(({ detail }) => detail);
  return ` is the champion already${missed.length === 0 ? "" : `, and misses: ${missed.join("; ")}`}`;
}

function searchText({ nTrials, isTimed }: Searched): string {
  if (nTrials === 0) return "";
  const only = isTimed ? " (as many as fit the time: another run may have more or fewer)" : "";
  return ` after ${nTrials} trials${only}`;
}

function sampleText(sample: TrainFinalResult["sample"]): string {
  return sample === undefined
    ? ""
    : `, from a sample of ${sample.rows} of ${sample.of} rows (training.maxRows)`;
}

function format(value: number | undefined): string {
  return value === undefined ? "–" : Number(value.toPrecision(4)).toString();
}
