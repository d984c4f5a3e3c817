import { z } from "zod";
import { rawFileSchema } from "../../../schemas/data/dataset.ts";
import { nameSchema } from "../../../schemas/names.ts";
import { auditOf, listOf, operator, viewer } from "../parts.ts";
import { checkRawFiles } from "../raw-files.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

/** As many files as a run may start with. */
const MAX_FILES = 10_000;
const ADD_FILES_BYTES = 4 * 2 ** 20;
const pipelineParams = z.strictObject({ name: nameSchema });

/** Files that reach a pipeline between its runs; the next retraining reads them beside those of the last run. */
export const pipelineRoutes: readonly AnyRoute[] = [
  route({
    method: "post",
    path: "/v1/pipelines/{name}/files",
    tag: "runs",
    summary: "Add uploaded files for the next retraining; one of the same name replaces the earlier.",
    policy: operator,
    params: pipelineParams,
    body: {
      kind: "json",
      schema: z.strictObject({ files: z.array(rawFileSchema).min(1).max(MAX_FILES) }),
      limitBytes: ADD_FILES_BYTES,
    },
    reply: listOf(rawFileSchema),
    idempotent: true,
    async handle(request, { objects, database }) {
      const { name } = request.params;
      const { files } = request.body;
      await checkRawFiles({ objects, database }, files);
      const { datasets } = database();
      const audit = auditOf(request, "pipeline.files.add", `pipeline/${name}`, {
        files: files.slice(0, 100).map((file) => `${file.name} ${file.object.sha256}`),
        nFiles: files.length,
      });
      await datasets.addPipelineFiles(name, files, audit);
      return { items: await datasets.pipelineFiles(name) };
    },
  }),
  route({
    method: "get",
    path: "/v1/pipelines/{name}/files",
    tag: "runs",
    summary: "Files added to a pipeline between its runs, by name.",
    policy: viewer,
    params: pipelineParams,
    reply: listOf(rawFileSchema),
    handle: async ({ params }, { database }) => ({
      items: await database().datasets.pipelineFiles(params.name),
    }),
  }),
];
