import type { z } from "zod";
import { rawFileSchema } from "../schemas/data/dataset.ts";
import type { RawFile } from "../schemas/data/dataset.ts";
import { apiPath } from "./client.ts";
import type { ApiClient } from "./client.ts";
import { itemsOf } from "./list-view.ts";
import type { Output } from "./output.ts";
import type { LocalFile } from "./run/local-files.ts";
import { startWithFiles } from "./run/upload.ts";

/**
 * Uploads files for the next retraining of a pipeline; one of the same name replaces the earlier.
 *
 * @returns all files that were added to the pipeline since its last run
 */
export async function addPipelineFiles(
  files: readonly LocalFile[],
  to: { readonly client: ApiClient; readonly output: Output; readonly pipeline: string },
): Promise<readonly RawFile[]> {
  const reply: z.ZodType<{ items: RawFile[] }> = itemsOf(rawFileSchema);
  const path = apiPath`/v1/pipelines/${to.pipeline}/files`;
  const { items } = await startWithFiles(files, to, (raw) =>
    to.client.post(path, { reply, body: { files: raw } }),
  );
  return items;
}
