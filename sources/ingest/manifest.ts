import type { DatasetManifest, ParquetPart, RawFile } from "../../schemas/data/dataset.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { IngestResult } from "./ingest.ts";
import type { LocalPart } from "./shards.ts";

/**
 * The manifest of an ingested dataset, once its parts are objects. Pure: equal inputs give an equal manifest, whose
 * `hashOf` is the dataset's id.
 *
 * @param objects local path of a part (or of the quarantine) → the object it was stored as
 * @throws {PlatformError} internal: a part or raw file has no object
 */
export function datasetManifest(
  pipeline: Pipeline,
  result: IngestResult,
  stored: { readonly raw: readonly RawFile[]; readonly objects: ReadonlyMap<string, ObjectRef> },
): DatasetManifest {
  const refOf = (part: LocalPart): ParquetPart => {
    const object = stored.objects.get(part.path);
    if (object === undefined)
      throw new PlatformError("internal", `dataset: part ${part.shard} was not stored`);
    return { object, rows: part.rows, shard: part.shard };
  };
  const rawOf = new Map(stored.raw.map((r) => [r.name, r.object]));
  return {
    kind: "aura.dataset/1",
    pipeline: pipeline.name,
    owner: pipeline.owner,
    retention: pipeline.retention,
    raw: result.files.map(({ name, source, part }) => {
      const object = rawOf.get(name);
      if (object === undefined)
        throw new PlatformError("internal", `dataset: raw file ${name} was not stored`);
      return { name, source, part, object };
    }),
    sources: Object.fromEntries(
      Object.entries(result.sources).map(([name, source]) => [
        name,
        { ...source, parts: (result.parts[name] ?? []).map(refOf) },
      ]),
    ),
    ...(result.quarantine === undefined ? {} : { quarantine: refOf(result.quarantine) }),
  };
}
