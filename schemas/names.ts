import { z } from "zod";

/**
 * Names of models, pipelines, feature sets: the one allow-list of the product.
 * Ids of assets, sites and customers and column names are data and do not use it.
 */
export const NAME_PATTERN = /^(?!.*\.\.)[a-z0-9][a-z0-9._-]{0,63}$/;

export const nameSchema = z
  .string()
  .regex(NAME_PATTERN, "expected a name matching [a-z0-9][a-z0-9._-]{0,63} without '..'");

/** Ids that are data: any UTF-8 text of 1 to 128 bytes without NUL. Never part of a path or SQL text. */
export const dataIdSchema = z
  .string()
  .min(1)
  .refine((s) => Buffer.byteLength(s, "utf8") <= 128 && !/[\0\p{Surrogate}]/u.test(s), {
    message: "expected 1 to 128 bytes of UTF-8 without NUL",
  });

/** Lower-case hexadecimal SHA-256. */
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits");
