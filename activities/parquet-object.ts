import type { ParquetPart } from "../schemas/data/dataset.ts";
import { hashFile } from "../stores/objects/plain-file.ts";
import type { ObjectStore } from "../stores/objects/port.ts";

/** A Parquet file in the making, not yet stored. */
export interface LocalParquet {
  readonly path: string;
  readonly rows: number;
  readonly shard: number;
}

/** Stores a local Parquet file under its own hash. Equal bytes are stored once. */
export async function putParquet(objects: ObjectStore, part: LocalParquet): Promise<ParquetPart> {
  const { sha256 } = await hashFile(part.path);
  const object = await objects.putFile(`processed/parquet/${sha256}.parquet`, part.path);
  return { object, rows: part.rows, shard: part.shard };
}
