import { BLEND_PARAMETERS } from "../../numerics/blend/parameters.ts";
import { resolveParameters } from "../../numerics/parameter-table.ts";
import { NO_CALIBRATION } from "../../numerics/calibration/calibrator.ts";
import {
  getDocument,
  putDocument,
  readDataset,
  readFeatureSet,
  readPipeline,
} from "../../stores/objects/documents.ts";
import { getNumbers, putNumbers } from "../../stores/objects/numbers.ts";
import { hashOf } from "../../schemas/canonical-json.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { splitDocumentSchema } from "../../schemas/data/split.ts";
import { BASELINE_CANDIDATE, candidateName, membersOf } from "../candidates.ts";
import type { ActivityDeps } from "../dependencies.ts";
import type { LeakageInput, LeakageResult } from "../features/messages.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { trainingChoice } from "../features/row-choice.ts";
import { readingsOf, readSensors } from "../features/sensor-columns.ts";
import { labelReach } from "../split/label-span.ts";
import { rowFolds } from "../split/row-folds.ts";
import { reuseOr } from "../stage-cache.ts";
import { workInputs } from "../work-inputs.ts";
import { requireBothClasses } from "./both-classes.ts";
import { categoricalColumns } from "./categorical-columns.ts";
import { meanOfRounds } from "./fit-forecast.ts";
import { finalRows, requireRows, rowsOfFold } from "./fold-rows.ts";
import type {
  SelectInput,
  SelectResult,
  TrainFinalInput,
  TrainFinalResult,
  TrainFoldInput,
  TrainFoldResult,
} from "./messages.ts";
import { TrainingAttempt } from "./training-attempt.ts";
import { outOfFoldRows } from "./out-of-fold-rows.ts";
import { poolRows } from "./pooled-rows.ts";
import { problemOf, targetsOf } from "./problem.ts";
import { selectionSchema } from "./selection.ts";
import type { Selection } from "./selection.ts";
import { settingsOf } from "./fit-candidate.ts";
import type { BlendRequest, CandidateRows } from "./summarise-candidates.ts";
import type { FinalPart } from "./train-final.ts";
import type { AnyCalibrator } from "./uncertainty.ts";

/** Raised when the same inputs would train another model than before. */
const TRAINER_VERSION = 16;

/** Raised when the same inputs would be judged otherwise than before. */
const LEAKAGE_VERSION = 4;

/** Training: leakage checks, folds, the choice, the final fit. CPU work runs on threads under a heartbeat. */
export function createTrainingActivities(deps: ActivityDeps) {
  const { objects, db, cpu, tables } = deps;
  return {
    /**
     * Looks for leaks before anything is trained; any hit fails the run, and so does a label of one class only.
     *
     * **Effects**: none. **Idempotency**: pure. **Heartbeat**: 1 s. **Errors**: leakage, not_enough_data. **Retry**: work.
     */
    async checkLeakage(input: LeakageInput): Promise<LeakageResult> {
      const inputs = await workInputs(objects, input);
      return reuseOr(db.datasets, { stage: "leakage", version: LEAKAGE_VERSION, inputs }, () =>
        withHeartbeat(async (beat) => {
          const pipeline = await readPipeline(objects, input.spec);
          const dataset = await readDataset(objects, input.dataset);
          const split = await getDocument(objects, input.split, splitDocumentSchema);
          const { maxRows } = pipeline.training;
          const table = await tables.load(input.featureSet, { kind: "assets", maxRows });
          // The assets that are looked at may be of one class where all together are not; folds look again.
          if (table.assets.length === table.ofAssets) requireBothClasses(table, { pipeline, split });
          const sample = await readSensors(deps, dataset, table);
          const problem = problemOf(pipeline, table.classLabels);
          const { target } = targetsOf(problem, table, { pipeline, split });
          const checks = await cpu.run(
            "inspectLeakage",
            {
              matrix: table.matrix,
              featureNames: table.features.map((feature) => feature.name),
              sample,
              y: table.y,
              kind: problem.kind,
              ...(target.taskKind === "forecast" ? { forecast: target } : {}),
              assetCodes: table.assetCodes,
              assets: table.assets,
              ofAssets: table.ofAssets,
              t: table.t,
              folds: rowFolds(split, 0, table),
              unit: split.unit,
              isTimeSplit: split.holdoutFrom !== undefined || pipeline.split.holdout?.by === "time",
              labelReach: labelReach(pipeline, readingsOf(dataset).timeKind, table),
            },
            beat,
          );
          const failed = checks.filter((check) => !check.passed);
          if (failed.length > 0) {
            throw new PlatformError(
              "leakage",
              failed.map((check) => `${check.name}: ${check.detail}`).join("; "),
              {
                details: { checks },
              },
            );
          }
          return { checks };
        }),
      );
    },

    /**
     * One candidate on one fold of one repeat: trains, and keeps its out-of-fold predictions.
     *
     * **Effects**: predictions object, checkpoints that are removed in the end. **Idempotency**: content and stage cache.
     * **Heartbeat**: 1 s with the iteration and the newest checkpoint, from which another attempt goes on. **Retry**: work.
     */
    async trainFold(input: TrainFoldInput): Promise<TrainFoldResult> {
      const inputs = await workInputs(objects, input);
      return reuseOr(db.datasets, { stage: "fold", version: TRAINER_VERSION, inputs }, () =>
        withHeartbeat(async (beat) => {
          const pipeline = await readPipeline(objects, input.spec);
          const split = await getDocument(objects, input.split, splitDocumentSchema);
          const table = await tables.load(input.featureSet, trainingChoice(pipeline));
          const problem = problemOf(pipeline, table.classLabels);
          const { repeat, fold } = input;
          const rows = rowsOfFold(table, { pipeline, split, repeat, fold });
          requireRows(rows, `fold ${fold} of repeat ${repeat}`);
          requireBothClasses(table, { pipeline, split });
          const subject = `fold of inputs ${hashOf(inputs)}`;
          const attempt = new TrainingAttempt(deps, beat, { subject, place: 0, version: TRAINER_VERSION });
          const output = await cpu.train(
            "trainOneFold",
            {
              ...(await attempt.resume()),
              matrix: table.matrix,
              categorical: categoricalColumns(table.features),
              featureNames: table.features.map(({ name }) => name),
              ...targetsOf(problem, table, { pipeline, split }),
              rows,
              candidate: declaredCandidate(pipeline, input.candidate),
              seed: pipeline.split.seed + 1000 * repeat,
              bounds: problem.bounds,
            },
            attempt.callbacks,
          );
          const { bestIteration, rounds } = output;
          const stored = await putNumbers(objects, {
            ...outOfFoldRows(pipeline, table, { ...output, rows }),
            ...(rounds === undefined ? {} : { rounds: Float64Array.from(rounds) }),
          });
          await attempt.end();
          return { predictions: stored, ...(bestIteration === null ? {} : { bestIteration }) };
        }),
      );
    },

    /**
     * Pools the out-of-fold predictions and chooses by the primary metric.
     *
     * **Effects**: selection document. **Idempotency**: content. **Heartbeat**: 1 s. **Retry**: work.
     */
    async selectCandidate(input: SelectInput): Promise<SelectResult> {
      return withHeartbeat(async (beat) => {
        const pipeline = await readPipeline(objects, input.spec);
        const problem = problemOf(pipeline, await classLabelsOf(deps, input));
        const candidates = await pooledCandidates(deps, pipeline, input);
        const costs = pipeline.costs ?? null;
        const { calibration, interval } = pipeline;
        const blends = declaredBlends(pipeline);
        const summary = await cpu.run(
          "summariseCandidates",
          { problem, candidates, blends, costs, calibration, level: interval.level },
          beat,
        );
        const selection: Selection = {
          kind: "aura.selection/2",
          chosen: summary.chosen,
          primaryMetric: problem.primaryMetric,
          candidates: summary.candidates.map(({ members, ...candidate }) => ({
            ...candidate,
            ...(members === undefined ? {} : { members: [...members] }),
          })),
          cvRows: candidates[0]?.repeats[0]?.truth.length ?? 0,
          ...(summary.alertCurve === undefined
            ? {}
            : { alertCurve: summary.alertCurve.map((point) => ({ ...point })) }),
          ...(summary.errors === undefined ? {} : { errors: summary.errors }),
        };
        const cv = summary.candidates.find((c) => c.name === summary.chosen)?.cv ?? {};
        const stored = await putDocument(objects, selection);
        return { candidate: summary.chosen, selection: stored, primaryMetric: problem.primaryMetric, cv };
      });
    },

    /**
     * The chosen candidate on the whole training side.
     *
     * **Effects**: trained models as JSON, checkpoints that are removed in the end. **Idempotency**: content and stage
     * cache. **Heartbeat**: 1 s with the iteration and the newest checkpoint. **Retry**: work.
     */
    async trainFinal(input: TrainFinalInput): Promise<TrainFinalResult> {
      const inputs = await workInputs(objects, input);
      return reuseOr(db.datasets, { stage: "final", version: TRAINER_VERSION, inputs }, () =>
        withHeartbeat(async (beat) => {
          const pipeline = await readPipeline(objects, input.spec);
          const split = await getDocument(objects, input.split, splitDocumentSchema);
          const selection = await getDocument(objects, input.selection, selectionSchema);
          const table = await tables.load(input.featureSet, trainingChoice(pipeline));
          const problem = problemOf(pipeline, table.classLabels);
          const rows = finalRows(table, pipeline, split);
          const subject = `final training of inputs ${hashOf(inputs)}`;
          const attempt = new TrainingAttempt(deps, beat, { subject, place: 0, version: TRAINER_VERSION });
          const output = await cpu.train(
            "trainFinalModels",
            {
              ...(await attempt.resume()),
              matrix: table.matrix,
              categorical: categoricalColumns(table.features),
              featureNames: table.features.map(({ name }) => name),
              ...targetsOf(problem, table, { pipeline, split }),
              trainRows: rows.train,
              censoredRows: rows.censored.train,
              parts: finalParts(pipeline, selection),
              bounds: problem.bounds,
              calibrator: calibratorOf(selection),
              offsets: selection.candidates.find(({ name }) => name === selection.chosen)?.offsets ?? null,
              seed: pipeline.split.seed,
            },
            attempt.callbacks,
          );
          const models = await putDocument(objects, output);
          await attempt.end();
          const { ofRows, seq } = table;
          return { models, ...(seq.length < ofRows ? { sample: { rows: seq.length, of: ofRows } } : {}) };
        }),
      );
    },
  };
}

function calibratorOf({ chosen, candidates }: Selection): AnyCalibrator {
  return candidates.find(({ name }) => name === chosen)?.calibration?.calibrator ?? NO_CALIBRATION;
}

/** What the final fit trains: the chosen candidate, or the members of the chosen blend. */
function finalParts(pipeline: Pipeline, { chosen, candidates }: Selection): FinalPart[] {
  const winner = candidates.find(({ name }) => name === chosen);
  const members = winner?.members ?? [{ name: chosen, weight: 1 }];
  return members.map(({ name, weight }) => {
    const { iterations = null, rounds } = candidates.find((candidate) => candidate.name === name) ?? {};
    const kept = { iterations, ...(rounds === undefined ? {} : { rounds }) };
    return { candidate: declaredCandidate(pipeline, name), ...kept, weight };
  });
}

function declaredBlends(pipeline: Pipeline): BlendRequest[] {
  return pipeline.candidates.flatMap((candidate, i) => {
    if (candidate.kind !== "blend") return [];
    const members = membersOf(pipeline, candidate).map(({ name }) => name);
    const { weighting } = resolveParameters(BLEND_PARAMETERS, settingsOf(candidate));
    return [{ name: candidateName(candidate, i), members, weighting }];
  });
}

/** null for the constant baseline. */
function declaredCandidate(pipeline: Pipeline, name: string): Candidate | null {
  if (name === BASELINE_CANDIDATE) return null;
  const candidate = pipeline.candidates.find((c, i) => candidateName(c, i) === name);
  if (candidate === undefined)
    throw new PlatformError("not_found", `find candidate [${name}]: not in the pipeline`);
  return candidate;
}

async function classLabelsOf(deps: ActivityDeps, input: SelectInput): Promise<readonly string[] | null> {
  return (await readFeatureSet(deps.objects, input.featureSet)).classLabels ?? null;
}

async function pooledCandidates(
  deps: ActivityDeps,
  pipeline: Pipeline,
  input: SelectInput,
): Promise<CandidateRows[]> {
  const names = [...new Set(input.folds.map((fold) => fold.candidate))];
  return Promise.all(
    names.map(async (name): Promise<CandidateRows> => {
      const own = input.folds.filter((fold) => fold.candidate === name);
      const repeats = [...new Set(own.map((fold) => fold.repeat))].sort((a, b) => a - b);
      const pooled = [];
      const kept: number[][] = [];
      for (const repeat of repeats) {
        const folds = own.filter((fold) => fold.repeat === repeat).sort((a, b) => a.fold - b.fold);
        const parts = await Promise.all(
          folds.map((fold) => getNumbers(deps.objects, fold.result.predictions)),
        );
        for (const { rounds } of parts) if (rounds !== undefined) kept.push([...rounds]);
        pooled.push(poolRows(folds.map(({ fold }, i) => ({ fold, columns: parts[i] ?? {} }))));
      }
      const means = own.flatMap((fold) =>
        fold.result.bestIteration === undefined ? [] : [fold.result.bestIteration],
      );
      const iterations = means.length === 0 ? null : means.reduce((sum, n) => sum + n, 0) / means.length;
      const byOutput = meanOfRounds(kept);
      return {
        name,
        kind: declaredCandidate(pipeline, name)?.kind ?? "constant",
        repeats: pooled,
        iterations,
        ...(byOutput === undefined ? {} : { rounds: byOutput }),
        ...(declaredCandidate(pipeline, name)?.alone === false ? { isMemberOnly: true } : {}),
      };
    }),
  );
}
