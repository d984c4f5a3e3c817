import { startImportSchema } from "../../../schemas/models/model-import.ts";
import type { StartImport } from "../../../schemas/models/model-import.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import type { z } from "zod";
import type { RawFile } from "../../../schemas/data/dataset.ts";
import { putDocument } from "../../../stores/objects/documents.ts";
import type { Database, VersionRow } from "../../../stores/postgres/port.ts";
import { storePipelineInput } from "../../../stores/objects/pipeline-input.ts";
import type { ApiDeps } from "../../deps.ts";
import { auditOf, modelParams, operator, orAuditRefusal, startedRunSchema } from "../parts.ts";
import { checkRawFiles } from "../raw-files.ts";
import { route } from "../route.ts";
import type { AnyRoute, RouteRequest } from "../route.ts";
import { runChecks } from "../runs/runs.ts";

/** 10 000 raw files with their hashes and 100 000 feature names fit. */
const START_IMPORT_BYTES = 16 * 2 ** 20;

type ImportRequest = RouteRequest<z.infer<typeof modelParams>, unknown, StartImport>;

export const importRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/models/{model}/imports",
    tag: "models",
    summary:
      "Take an ONNX file trained elsewhere through the checks, evaluation, gates and approval of a run. Without a pipeline file it is judged on what the champion was.",
    policy: operator,
    params: modelParams,
    body: { kind: "json", schema: startImportSchema, limitBytes: START_IMPORT_BYTES },
    reply: startedRunSchema,
    status: 202,
    idempotent: true,
    async handle(request, deps) {
      const { model } = request.params;
      const { sha256 } = request.body.onnx.object;
      const audit = auditOf(request, "model.import", `model/${model}`, { file: sha256 });
      return orAuditRefusal(deps.database(), audit, () => startImport(request, deps));
    },
  }),
];

async function startImport(request: ImportRequest, deps: ApiDeps) {
  const { params, body, actor } = request;
  const { objects, workflows, database, allowLoopbackSources } = deps;
  await checkRawFiles(deps, [body.onnx]);
  const { text, files } = await judgedOn(params.model, body, deps);
  await checkRawFiles(deps, files);
  const { input, inputHash } = await storePipelineInput(objects, {
    text,
    files,
    checks: runChecks(allowLoopbackSources),
    requestedBy: { id: actor.id, authenticated: actor.authenticated },
    imported: { file: body.onnx, signature: await putDocument(objects, body.signature) },
  });
  if (input.model !== params.model)
    throw new PlatformError(
      "conflict",
      `import model [${params.model}]: the pipeline file is for ${input.model}; give it \`model: ${params.model}\``,
    );
  const { runId, workflowId, isNew } = await workflows.startPipeline({ input, inputHash });
  const { pipeline, model } = input;
  const { sha256 } = body.onnx.object;
  await database().audit.append(
    auditOf(request, "model.import", `model/${model}`, { file: sha256, runId, isNew }),
  );
  return { runId, workflowId, pipeline, model, isNew };
}

/** What the model is judged on: the given pipeline file and files, or those that count for the champion. */
async function judgedOn(
  model: string,
  { pipeline, files }: StartImport,
  { database }: Pick<ApiDeps, "database">,
): Promise<{ readonly text: string; readonly files: readonly RawFile[] }> {
  if (pipeline !== undefined) return { text: pipeline, files };
  const { registry, runs } = database();
  const champion = await registry.champion(model);
  const run = champion === undefined ? undefined : await runs.inputOf(await standingRun(runs, champion));
  if (run !== undefined)
    return { text: run.pipeline, files: files.length > 0 ? files : dataOf(run.files, champion) };
  throw new PlatformError(
    "no_champion",
    `import model [${model}]: there is no champion to judge it beside; give a pipeline file and its data`,
  );
}

async function standingRun(runs: Database["runs"], { model, digest, runId }: VersionRow): Promise<string> {
  return (await runs.latestStanding(model, digest))?.runId ?? runId;
}

/** An imported champion's own file stands among those of its run, and is no data. */
function dataOf(files: readonly RawFile[], champion: VersionRow | undefined): readonly RawFile[] {
  return files.filter(({ object }) => object.sha256 !== champion?.evaluation.origin?.file);
}
