import { z } from "zod";
import { sha256Schema } from "./names.ts";

/**
 * A content-addressed object. `key` is relative to the store's root and carries the SHA-256; clients never
 * choose it. Layout: `raw/sha256/<hex>`, `processed/parquet/<hex>.parquet`, `processed/json/<hex>.json`,
 * `models/<name>/<digest>/<file>`, `reports/<hex>.html`, `logs/…`.
 */
export const objectRefSchema = z.strictObject({
  key: z.string().regex(/^[a-z0-9][a-zA-Z0-9/._=-]{0,250}$/),
  sha256: sha256Schema,
  bytes: z.int().min(0),
});
export type ObjectRef = z.infer<typeof objectRefSchema>;
