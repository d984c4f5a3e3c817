import { createHash } from "node:crypto";

/** Assets are spread over so many shards; scorers own whole shards. */
export const N_SHARDS = 64;

/** Shard of an asset: the first byte of the SHA-256 of its id, which PostgreSQL computes alike. */
export function shardOf(asset: string): number {
  return (createHash("sha256").update(asset, "utf8").digest()[0] ?? 0) % N_SHARDS;
}

/** The same in SQL over a text expression. */
export function shardSql(asset: string): string {
  return `get_byte(sha256(convert_to(${asset}, 'UTF8')), 0) % ${N_SHARDS}`;
}
