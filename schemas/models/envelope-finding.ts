import { z } from "zod";
import { sha256Schema } from "../names.ts";

/** One condition of a change envelope, and how the version stands to it. */
export const envelopeItemSchema = z.strictObject({
  item: z.string().describe("features, candidate, params …"),
  allowed: z.string(),
  found: z.string(),
  inside: z.boolean(),
});
export type EnvelopeItem = z.infer<typeof envelopeItemSchema>;

/** A retrained version held against the envelope that people approved, condition by condition; evidence of its approval. */
export const envelopeFindingSchema = z.strictObject({
  /** Of the envelope as declared. */
  hash: sha256Schema,
  /** The approval that the envelope was approved with, and who gave it. */
  approvalId: z.string(),
  approvedBy: z.array(z.string()),
  inside: z.boolean(),
  items: z.array(envelopeItemSchema),
});
export type EnvelopeFinding = z.infer<typeof envelopeFindingSchema>;
