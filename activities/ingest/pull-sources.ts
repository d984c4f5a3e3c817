import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RawFile } from "../../schemas/data/dataset.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { httpFileName } from "../../sources/files/resolve-files.ts";
import { pullUrl } from "../../sources/http/pull.ts";
import type { ActivityDeps } from "../dependencies.ts";
import { withHeartbeat } from "../heartbeat.ts";

/**
 * Fetches the HTTP sources of a pipeline and keeps what came as originals, like uploaded files.
 *
 * @throws {PlatformError} invalid_pipeline, bad_file, source_unavailable
 */
export async function pullSources(deps: ActivityDeps, pipeline: Pipeline): Promise<RawFile[]> {
  const remote = Object.entries(pipeline.sources).filter(([, source]) => source.url !== undefined);
  if (remote.length === 0) return [];
  return withHeartbeat(async (beat) => {
    const scratch = await mkdtemp(join(deps.scratchDir, "pull-"));
    try {
      const files: RawFile[] = [];
      for (const [i, [source, { url = "" }]] of remote.entries()) {
        const name = httpFileName(source);
        const { allowLoopbackSources: allowLoopback } = deps;
        const pulled = await pullUrl(url, {
          path: join(scratch, String(i)),
          name,
          allowLoopback,
          signal: beat.signal,
        });
        files.push({ name, object: await deps.objects.putFile(`raw/sha256/${pulled.sha256}`, pulled.path) });
      }
      return files;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}
