import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { ParquetPart } from "../schemas/dataset.ts";
import type { ObjectStore } from "../stores/objects/port.ts";

/** A Parquet file in the making, not yet stored. */
export interface LocalParquet {
  readonly path: string;
  readonly rows: number;
  readonly shard: number;
}

/** Stores a local Parquet file under its own hash. Equal bytes are stored once. */
export async function putParquet(objects: ObjectStore, part: LocalParquet): Promise<ParquetPart> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(part.path)) hash.update(chunk as Buffer);
  const object = await objects.putFile(`processed/parquet/${hash.digest("hex")}.parquet`, part.path);
  return { object, rows: part.rows, shard: part.shard };
}
