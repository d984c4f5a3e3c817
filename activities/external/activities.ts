import { externalResultSchema } from "../../schemas/runs/external-trainer.ts";
import type { ExternalResult } from "../../schemas/runs/external-trainer.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { Candidate } from "../../schemas/pipeline/training.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { splitDocumentSchema } from "../../schemas/data/split.ts";
import { getDocument, readFeatureSet, readPipeline } from "../../stores/objects/documents.ts";
import { putNumbers } from "../../stores/objects/numbers.ts";
import { graphOfFile, MAX_GRAPH_BYTES, pipelineClasses } from "../adoption/graph-of-file.ts";
import { trainedCandidates } from "../candidates.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { requireAnswers } from "../evaluation/foreign-evaluation.ts";
import { runForeignGraph } from "../evaluation/graph-runner.ts";
import { featureRows } from "../evaluation/scoring.ts";
import { trainingChoice } from "../features/row-choice.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { finalRows, rowsOfFold } from "../training/fold-rows.ts";
import { outOfFoldRows } from "../training/out-of-fold-rows.ts";
import type { TrainFoldResult } from "../training/messages.ts";
import { problemOf } from "../training/problem.ts";
import { rowWeights, scaleWeights } from "../training/row-weights.ts";
import { selectionSchema } from "../training/selection.ts";
import type {
  AdoptExternalInput,
  AdoptExternalResult,
  PrepareExternalInput,
  PrepareExternalResult,
  ScoreExternalInput,
  TrainerAnswer,
} from "./messages.ts";
import { storeTrainingSet } from "./training-set.ts";

/** What stands on our side of a trainer on another task queue: rows out, a graph back, judged here. */
export function createExternalActivities(deps: ActivityDeps) {
  const { objects, tables } = deps;
  return {
    /**
     * The rows that a trainer may see, as a feature set of their own, and what it is asked.
     *
     * **Effects**: Parquet and manifest objects, feature-set row. **Idempotency**: content. **Heartbeat**: 1 s.
     * **Retry**: work.
     */
    async prepareExternal(input: PrepareExternalInput): Promise<PrepareExternalResult> {
      return withHeartbeat(async (beat) => {
        const pipeline = await readPipeline(objects, input.spec);
        const split = await getDocument(objects, input.split, splitDocumentSchema);
        const table = await tables.load(input.featureSet, trainingChoice(pipeline));
        const problem = problemOf(pipeline, table.classLabels);
        const { fold } = input;
        const rows =
          fold === null
            ? { train: finalRows(table, pipeline, split).train, earlyStop: new Int32Array() }
            : rowsOfFold(table, { pipeline, split, ...fold });
        const { train, earlyStop: stop } = rows;
        // A column that weighs is among those of the set already.
        const own = table.weight === undefined ? rowWeights(pipeline, table) : undefined;
        const weights =
          own === undefined ? undefined : scaleWeights(own, Int32Array.from([...train, ...stop]));
        const given = { featureSet: input.featureSet, table, train, stop, weights };
        const set = await storeTrainingSet(deps, given, beat);
        const { forecast } = problem;
        const { params } = candidateOf(pipeline, input.candidate);
        return {
          request: {
            kind: "aura.external/1",
            runId: input.runId,
            model: input.model,
            candidate: input.candidate,
            params,
            seed: pipeline.split.seed + 1000 * (fold?.repeat ?? 0),
            fold,
            iterations: await iterationsOf(deps, input),
            problem: problem.kind,
            classLabels: table.classLabels === null ? null : [...table.classLabels],
            primaryMetric: problem.primaryMetric,
            ...(forecast === undefined
              ? {}
              : {
                  forecast: {
                    column: forecast.column,
                    horizons: [...forecast.horizons],
                    quantiles: [...forecast.quantiles],
                  },
                }),
            featureSet: set.sha256,
            rows: train.length + stop.length,
          },
        };
      });
    },

    /**
     * The graph of one fold on the rows that its trainer has not seen.
     *
     * **Effects**: predictions object. **Idempotency**: content. **Heartbeat**: 1 s. **Errors**: trainer_unavailable,
     * trainer_failed, model_refused, integrity. **Retry**: work.
     */
    async scoreExternalFold(input: ScoreExternalInput): Promise<TrainFoldResult> {
      return withHeartbeat(async (beat) => {
        const result = readResult(input.result);
        const pipeline = await readPipeline(objects, input.spec);
        const split = await getDocument(objects, input.split, splitDocumentSchema);
        const table = await tables.load(input.featureSet, trainingChoice(pipeline));
        const problem = problemOf(pipeline, table.classLabels);
        const { repeat, fold } = input;
        const rows = rowsOfFold(table, { pipeline, split, repeat, fold });
        const asked = Int32Array.from([...rows.validate, ...rows.censored.validate]);
        const nFeatures = table.features.length;
        const file = await fileOf(deps, result);
        const classes = pipelineClasses(pipeline, problem, {
          classLabels: table.classLabels,
          areCodes: true,
        });
        const features = table.features.map(({ name }) => name);
        const graph = await graphOfFile(deps, { file, signature: result, problem, features, classes }, beat);
        const answered = await runForeignGraph(deps.pool, {
          onnx: await objects.get(graph, MAX_GRAPH_BYTES),
          problem: problem.kind,
          nFeatures,
          inputs: featureRows(table, asked),
          nRows: asked.length,
        });
        requireAnswers(problem, answered);
        const nJudged = rows.validate.length * answered.nOutputs;
        const predictions = await putNumbers(
          objects,
          outOfFoldRows(pipeline, table, {
            rows,
            predictions: answered.outputs.slice(0, nJudged),
            censoredPredictions: answered.outputs.slice(nJudged),
          }),
        );
        const { iterations } = result;
        const rounds = iterations === undefined ? {} : { bestIteration: iterations };
        return { predictions, isReused: false, ...rounds };
      });
    },

    /**
     * The graph of the final training in the served form.
     *
     * **Effects**: graph object. **Idempotency**: content. **Heartbeat**: 1 s. **Errors**: as scoreExternalFold.
     * **Retry**: work.
     */
    async adoptExternal(input: AdoptExternalInput): Promise<AdoptExternalResult> {
      return withHeartbeat(async (beat) => {
        const result = readResult(input.result);
        const pipeline = await readPipeline(objects, input.spec);
        const { features, classLabels } = await readFeatureSet(objects, input.featureSet);
        const problem = problemOf(pipeline, classLabels ?? null);
        const file = await fileOf(deps, result);
        const labels = { classLabels: classLabels ?? null, areCodes: true };
        const classes = pipelineClasses(pipeline, problem, labels);
        const names = features.map(({ name }) => name);
        const given = { file, signature: result, problem, features: names, classes };
        return { onnx: await graphOfFile(deps, given, beat), file: file.sha256 };
      });
    },
  };
}

function candidateOf(pipeline: Pipeline, name: string): Candidate {
  const found = trainedCandidates(pipeline).find((candidate) => candidate.name === name);
  if (found !== undefined) return found.candidate;
  throw new PlatformError("not_found", `find candidate [${name}]: not in the pipeline`);
}

async function iterationsOf(
  { objects }: Pick<ActivityDeps, "objects">,
  { selection, candidate }: PrepareExternalInput,
): Promise<number | null> {
  if (selection === null) return null;
  const { candidates } = await getDocument(objects, selection, selectionSchema);
  return candidates.find(({ name }) => name === candidate)?.iterations ?? null;
}

/** @throws {PlatformError} trainer_unavailable, trainer_failed; model_refused: not the answer that the contract asks for */
export function readResult(given: TrainerAnswer): ExternalResult {
  if ("failure" in given) {
    const { isNobodyThere, message } = given.failure;
    if (isNobodyThere) throw new PlatformError("trainer_unavailable", message);
    throw new PlatformError("trainer_failed", message);
  }
  const parsed = externalResultSchema.safeParse(given.answer);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const at = issue?.path.map(String).join(".") || "(all)";
  throw new PlatformError("model_refused", `read answer of the trainer [${at}]: ${issue?.message}`);
}

/** @throws {PlatformError} model_refused: it uploaded nothing of that hash */
async function fileOf(
  { objects }: Pick<ActivityDeps, "objects">,
  { onnx }: ExternalResult,
): Promise<ObjectRef> {
  const key = `raw/sha256/${onnx.sha256}`;
  const stored = await objects.head(key);
  if (stored?.bytes === onnx.bytes) return { key, sha256: onnx.sha256, bytes: onnx.bytes };
  throw new PlatformError(
    "model_refused",
    `read graph of the trainer [${onnx.sha256.slice(0, 12)}]: nothing of that hash and size was uploaded`,
  );
}
