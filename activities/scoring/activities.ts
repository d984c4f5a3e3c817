import { canonicalJson, sha256Hex } from "../../schemas/canonical-json.ts";
import { signatureSchema } from "../../schemas/model-version.ts";
import type { Signature } from "../../schemas/model-version.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import { getDocument, putDocument, readRawFiles } from "../../stores/objects/documents.ts";
import type { VersionRow } from "../../stores/postgres/port.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { answerRows } from "../evaluation/champion-score.ts";
import { headline } from "../evaluation/graph-runner.ts";
import { featureRows } from "../evaluation/scoring.ts";
import type { FeatureTable } from "../features/feature-table.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { rowsWhere } from "../split/row-folds.ts";
import type { ScoreFleetInput, ScoreInput, ScorePlan, ScoreResult } from "./messages.ts";
import { scoringPipeline } from "./scoring-pipeline.ts";

/** One line of a ranked fleet. */
export interface RankedAsset {
  readonly asset: string;
  readonly rank: number;
  readonly value: number;
  /** Time of the reading that was scored: ISO 8601, or the cycle. */
  readonly at: string;
}

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
      const { view, fitted } = champion.manifest.files;
      if (view === undefined || fitted === undefined)
        throw new PlatformError("integrity", `score [${input.model}]: view or fitted state is missing`);
      const names = (await readRawFiles(objects, input.files)).map((file) => file.name);
      const { pipeline } = parsePipeline(run.pipeline, "pipeline.yaml");
      const spec = await putDocument(objects, scoringPipeline(pipeline, names));
      return { version: champion.version, digest: champion.digest, spec, view, fitted };
    },

    /**
     * Scores the last reading of every asset and ranks them, most urgent first.
     *
     * **Effects**: score rows, CSV object. **Idempotency**: job id. **Heartbeat**: 1 s. **Retry**: work.
     */
    async scoreFleet(input: ScoreFleetInput): Promise<ScoreResult> {
      return withHeartbeat(async () => {
        const { jobId, model, version, digest, dataset } = input;
        const row = await db.registry.version(model, version);
        const signatureRef = row?.manifest.files["signature"];
        if (row === undefined || signatureRef === undefined || row.digest !== digest) {
          throw new PlatformError(
            "integrity",
            `score [${model}@${version}]: the version changed under its digest`,
          );
        }
        const signature = await getDocument(objects, signatureRef, signatureSchema);
        const table = await deps.tables.load(input.featureSet, { kind: "last" });
        const rows = rowsWhere(table.last.length, (r) => table.last[r] === 1);
        const outputs = await answerRows(deps, row, {
          inputs: featureRows(table, rows),
          nRows: rows.length,
          outputName: signature.output.name,
        });
        const nOutputs = Math.max(1, outputs.length / Math.max(1, rows.length));
        const values = headline({ outputs, nOutputs }, signature.problem);
        const ranked = rankAssets({ table, rows, values, signature });
        const csv = new TextEncoder().encode(canonicalJson(ranked));
        const object = await objects.put(`reports/${sha256Hex(csv)}.json`, csv);
        await db.scores.put({ id: jobId, model, version, digest, dataset, object }, ranked);
        return { jobId, model, version, digest, dataset, assets: ranked.length };
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

/** Least remaining life first, or highest probability first; ties by asset id, so that a repeat ranks alike. */
function rankAssets(given: {
  readonly table: FeatureTable;
  readonly rows: Int32Array;
  readonly values: Float64Array;
  readonly signature: Signature;
}): RankedAsset[] {
  const { table, rows, values, signature } = given;
  const isCycle = signature.output.unit === "cycles";
  const urgency = signature.problem === "regression" ? 1 : -1;
  const entries = Array.from(rows, (row, i) => ({
    asset: table.assets[table.assetCodes[row] as number] as string,
    value: values[i] as number,
    at: timeText(table.t[row] as number, isCycle),
  }));
  entries.sort((a, b) => urgency * (a.value - b.value) || (a.asset < b.asset ? -1 : 1));
  return entries.map((entry, i) => ({ ...entry, rank: i + 1 }));
}

/** Timestamps are microseconds; small numbers are cycles or row numbers. */
function timeText(t: number, isCycle: boolean): string {
  return isCycle || t < MIN_TIMESTAMP_MICROS ? String(t) : new Date(t / 1000).toISOString();
}

/** 1971-01-01 in microseconds: no cycle counter gets there. */
const MIN_TIMESTAMP_MICROS = 31_536_000_000_000;
