import { neededHistory } from "../../features/needed-history.ts";
import { canonicalJson, sha256Hex } from "../../schemas/canonical-json.ts";
import { signatureSchema } from "../../schemas/models/model-version.ts";
import { withThreshold } from "../../schemas/serving/served-threshold.ts";
import type { VersionFileRole } from "../../schemas/models/model-version.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { getDocument, putDocument, readRawFiles } from "../../stores/objects/documents.ts";
import type { VersionRow } from "../../stores/postgres/port.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { answerRows } from "../evaluation/champion-score.ts";
import { headline } from "../evaluation/graph-runner.ts";
import { featureRows } from "../evaluation/scoring.ts";
import { readView } from "../features/transform-dataset.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { rowsWhere } from "../split/row-folds.ts";
import { summaryOf } from "./fleet-summary.ts";
import { readHistories, withStarts } from "./histories.ts";
import { assetsWithoutReadings } from "./left-out-assets.ts";
import type { ScoreFleetInput, ScoreInput, ScorePlan, ScoreResult } from "./messages.ts";
import { classRisks, rankAssets } from "./rank-assets.ts";
import { scoringPipeline } from "./scoring-pipeline.ts";

/** Which machine fails when: a fleet ranked by the champion. */
export function createScoringActivities(deps: ActivityDeps) {
  const { db, objects } = deps;
  return {
    /** The champion's own pipeline, without what only training needs. **Errors**: no_champion. **Retry**: work. */
    async planScore(input: ScoreInput): Promise<ScorePlan> {
      const champion = await askedVersion(deps, input);
      const run = champion === undefined ? undefined : await db.runs.inputOf(champion.runId);
      if (champion === undefined || run === undefined) {
        throw new PlatformError("no_champion", `score [${input.model}]: it has no production version`);
      }
      const view = fileOf(champion, "view");
      const fitted = fileOf(champion, "fitted");
      const names = (await readRawFiles(objects, input.files)).map((file) => file.name);
      const { pipeline } = parsePipeline(run.pipeline, "pipeline.yaml");
      const spec = await putDocument(objects, scoringPipeline(pipeline, names));
      return { version: champion.version, digest: champion.digest, spec, view, fitted };
    },

    /**
     * Scores the last reading of every asset and ranks them, most urgent first.
     *
     * **Effects**: score job and rows, report object. **Idempotency**: job id. **Heartbeat**: 1 s. **Retry**: work.
     */
    async scoreFleet(input: ScoreFleetInput): Promise<ScoreResult> {
      return withHeartbeat(async () => {
        const { jobId, model, version, digest, dataset } = input;
        const row = await requireVersion(deps, input);
        const trained = await getDocument(objects, fileOf(row, "signature"), signatureSchema);
        const signature = withThreshold(trained, row.threshold);
        const data = await db.datasets.get(dataset);
        const run = await db.runs.inputOf(row.runId);
        if (data === undefined || run === undefined)
          throw new PlatformError("integrity", `score [${jobId}]: its dataset or the model's run is gone`);
        const table = await deps.tables.load(input.featureSet, { kind: "last" });
        const rows = rowsWhere(table.last.length, (r) => table.last[r] === 1);
        const outputs = await answerRows(deps, row, {
          inputs: featureRows(table, rows),
          nRows: rows.length,
          outputName: signature.output.name,
        });
        const nOutputs = Math.max(1, outputs.length / Math.max(1, rows.length));
        const values = headline({ outputs, nOutputs }, signature.problem, signature.output.forecast);
        const risks = classRisks(outputs, nOutputs, signature.output.commonClass);
        const view = await readView(deps, fileOf(row, "view"));
        const needed = neededHistory(view);
        const histories = await withStarts(await readHistories(deps, data.manifest), view, async () => {
          const learnt = await db.datasets.get(row.dataset);
          return learnt === undefined ? new Map() : readHistories(deps, learnt.manifest);
        });
        const ranking = rankAssets({
          table,
          rows,
          values,
          risks,
          outputs,
          signature,
          histories,
          needed,
        });
        const leftOut = await assetsWithoutReadings(deps, data.manifest, new Set(table.assets));
        const { pipeline } = parsePipeline(run.pipeline, "pipeline.yaml");
        const summary = summaryOf({ ranking, leftOut, dataset: data.manifest, signature, needed, pipeline });
        const report = new TextEncoder().encode(canonicalJson({ summary, rows: ranking.ranked }));
        const object = await objects.put(`reports/${sha256Hex(report)}.json`, report);
        await db.scores.put({ id: jobId, model, version, digest, dataset, object, summary }, ranking.ranked);
        return { jobId, model, version, digest, dataset, assets: ranking.ranked.length };
      });
    },
  };
}

/** The version the job names; a swap between asking and running must not change who answers. */
async function askedVersion(deps: ActivityDeps, input: ScoreInput): Promise<VersionRow | undefined> {
  const { model, version, digest } = input;
  if (version === undefined) return deps.db.registry.champion(model);
  const row = await deps.db.registry.version(model, version);
  return row?.digest === digest ? row : undefined;
}

/** @throws {PlatformError} integrity: the version is not the one that was planned */
async function requireVersion(deps: ActivityDeps, input: ScoreFleetInput): Promise<VersionRow> {
  const { model, version, digest } = input;
  const row = await deps.db.registry.version(model, version);
  if (row?.digest === digest) return row;
  throw new PlatformError("integrity", `score [${model}@${version}]: the version changed under its digest`);
}

function fileOf({ model, version, manifest }: VersionRow, role: VersionFileRole): ObjectRef {
  const ref = manifest.files[role];
  if (ref !== undefined) return ref;
  throw new PlatformError("integrity", `score [${model}@${version}]: its ${role} is missing`);
}
