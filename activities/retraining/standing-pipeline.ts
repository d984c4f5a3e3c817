import { parsePipeline } from "../../schemas/pipeline/parse.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import type { RawFile } from "../../schemas/data/dataset.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { Database, VersionRow } from "../../stores/postgres/port.ts";

/** What people last said about a champion, and the files they said it with. */
export interface StandingPipeline {
  readonly runId: string;
  readonly text: string;
  readonly pipeline: Pipeline;
  readonly files: readonly RawFile[];
}

/**
 * The pipeline file that counts for a version: of the newest run that ended with it in use, or of the newest that made it where
 * it never was. A file in which only what happens after training was changed gives the champion's digest again; its run ends
 * `unchanged`, and from then on it counts.
 *
 * @throws {PlatformError} not_found
 */
export async function standingPipeline(
  { runs }: Pick<Database, "runs">,
  version: Pick<VersionRow, "model" | "digest" | "runId">,
): Promise<StandingPipeline> {
  const standing = await runs.latestStanding(version.model, version.digest);
  return pipelineOfRun({ runs }, standing?.runId ?? version.runId);
}

/** @throws {PlatformError} not_found */
export async function pipelineOfRun(
  { runs }: Pick<Database, "runs">,
  runId: string,
): Promise<StandingPipeline> {
  const input = await runs.inputOf(runId);
  if (input === undefined) throw new PlatformError("not_found", `read pipeline [run ${runId}]: no such run`);
  const { pipeline } = parsePipeline(input.pipeline, "pipeline.yaml");
  return { runId, text: input.pipeline, pipeline, files: input.files };
}
