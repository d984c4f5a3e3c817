import { codeVersion } from "../../config/code-version.ts";
import { canonicalJson, sha256Hex } from "../../schemas/canonical-json.ts";
import { evaluationSchema, versionManifestSchema } from "../../schemas/models/model-version.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { pipelineSchema } from "../../schemas/pipeline/pipeline.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { Reproduction } from "../../schemas/runs/reproduction.ts";
import { versionDigest } from "../../schemas/models/version-digest.ts";
import { getDocument, putDocument } from "../../stores/objects/documents.ts";
import type { VersionRow } from "../../stores/postgres/port.ts";
import { activityKey, systemAudit } from "../audit.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";
import { runPlan } from "../runs/plan.ts";
import { foundPipeline } from "../search/found-pipeline.ts";
import { compareFile, compareStages } from "./compare-versions.ts";
import type { CompareInput, ReproduceInput, ReproduceResult, ReproductionPlan } from "./messages.ts";

/** Largest file of a version: as large as a graph that is served. */
const MAX_FILE_BYTES = 256 * 2 ** 20;

/** A version made again from what was recorded of it, and held beside it. Nothing of what is served changes. */
export function createReproductionActivities(deps: Pick<ActivityDeps, "db" | "objects">) {
  const { db, objects } = deps;
  return {
    /**
     * Finds everything that a version's training was a function of.
     *
     * **Effects**: none. **Heartbeat**: 1 s. **Errors**: not_found; conflict where something of it is gone or was never
     * recorded. **Retry**: work.
     */
    async planReproduction(input: ReproduceInput): Promise<ReproductionPlan> {
      return withHeartbeat(async () => {
        const row = await requireVersion(deps, input);
        const subject = `reproduce [${row.model}@${row.version}]`;
        const run = await db.runs.inputOf(row.runId);
        const dataset = await db.datasets.get(row.dataset);
        const holdout = await db.registry.versionHoldout(row.model, row.version);
        const { origin } = row.evaluation;
        if (origin?.kind === "imported")
          throw new PlatformError(
            "conflict",
            `${subject}: it was not trained here, its graph is file ${origin.file.slice(0, 12)}`,
          );
        if (run === undefined) throw new PlatformError("conflict", `${subject}: its run was not recorded`);
        if (dataset === undefined)
          throw new PlatformError(
            "conflict",
            `${subject}: its dataset ${row.dataset.slice(0, 12)} was removed`,
          );
        if (holdout === undefined)
          throw new PlatformError("conflict", `${subject}: its split was not recorded`);
        const declared = await specOf(deps, run);
        const { spec, pipeline, searches } = await searchedSpec(deps, row.runId, declared);
        const manifest = await putDocument(objects, dataset.manifest);
        return {
          plan: runPlan(pipeline, row.runId),
          pipeline: pipeline.name,
          spec,
          searches,
          dataset: row.dataset,
          manifest,
          split: holdout.object,
          holdoutHash: holdout.hash,
        };
      });
    },

    /**
     * Holds what came out beside what is registered, byte for byte.
     *
     * **Effects**: one audit row. **Idempotency**: its key. **Heartbeat**: 1 s. **Errors**: integrity. **Retry**: work.
     */
    async compareReproduction(input: CompareInput): Promise<ReproduceResult> {
      return withHeartbeat(async () => {
        const row = await requireVersion(deps, input);
        const result = await compare(deps, row, input);
        const { equal, code } = result;
        const differing = result.stages
          .filter((stage) => !stage.equal)
          .map(({ stage, detail }) => `${stage}: ${detail}`);
        await db.audit.append({
          ...systemAudit("version.reproduce", `model/${row.model}@${row.version}`, {
            digest: result.digest,
            by: input.requestedBy.id,
            sameCode: code.equal,
          }),
          ...(equal ? {} : { outcome: "refused" as const, reason: differing.join("; ").slice(0, 2_000) }),
          key: activityKey(),
        });
        return result;
      });
    },
  };
}

type Deps = Pick<ActivityDeps, "db" | "objects">;

async function requireVersion({ db }: Deps, input: ReproduceInput): Promise<VersionRow> {
  const { model, version, digest } = input;
  const row = await db.registry.version(model, version);
  if (row?.digest === digest) return row;
  throw new PlatformError("not_found", `reproduce [${model}@${version}]: no such version`);
}

/**
 * The pipeline as the run was given it, with the defaults of its day: the document itself where the text read today
 * means something else.
 */
async function specOf(
  { objects }: Deps,
  run: { readonly pipeline: string; readonly specHash: string },
): Promise<ObjectRef> {
  const recorded = await objects.head(`processed/json/${run.specHash}.json`);
  if (recorded !== undefined) return recorded;
  const { pipeline, hash } = parsePipeline(run.pipeline, "pipeline.yaml");
  if (hash === run.specHash) return putDocument(objects, pipeline);
  throw new PlatformError(
    "conflict",
    "reproduce: the pipeline file has other defaults by now, and the document of that day is gone",
  );
}

/** A search is not made again: what it found is among the recorded parameters. */
async function searchedSpec(
  { objects, db }: Deps,
  runId: string,
  declared: ObjectRef,
): Promise<Pick<ReproductionPlan, "spec" | "searches"> & { readonly pipeline: Pipeline }> {
  const pipeline = await getDocument(objects, declared, pipelineSchema);
  const { searches: candidates = [] } = runPlan(pipeline, runId);
  if (candidates.length === 0) return { spec: declared, pipeline, searches: [] };
  const { found, chosen } = await foundPipeline(db.trials, { runId, pipeline, candidates });
  return { spec: await putDocument(objects, found), pipeline: found, searches: [...chosen] };
}

async function compare({ objects }: Deps, row: VersionRow, input: CompareInput): Promise<Reproduction> {
  const made = await getDocument(objects, input.manifest, versionManifestSchema);
  const evaluation = await getDocument(objects, input.evaluation, evaluationSchema);
  const fileOf = async (ref: ObjectRef | undefined) =>
    ref === undefined ? null : { sha256: ref.sha256, bytes: await objects.get(ref, MAX_FILE_BYTES) };
  const files: Reproduction["files"] = [];
  for (const role of Object.keys({ ...row.manifest.files, ...made.files }).sort()) {
    const recorded = await fileOf(row.manifest.files[role]);
    files.push(compareFile({ role, recorded, reproduced: await fileOf(made.files[role]) }));
  }
  const stages = compareStages(files, { recorded: row.evaluation, reproduced: evaluation });
  const now = codeVersion();
  return {
    model: row.model,
    version: row.version,
    equal: files.every((file) => file.equal),
    digest: { recorded: row.digest, reproduced: versionDigest({ model: row.model, files: made.files }) },
    dataset: row.dataset,
    searches: [...input.searches],
    files,
    stages,
    code: {
      recorded: row.code,
      now,
      equal: row.code === null ? null : sha256Hex(canonicalJson(row.code)) === sha256Hex(canonicalJson(now)),
    },
  };
}
