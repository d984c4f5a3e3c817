import { z } from "zod";

/** A drift report as the page needs it, read from what a worker has recorded. */
const share = z.number().nullable();

const featureSchema = z.object({
  name: z.string(),
  role: z.enum(["feature", "score"]),
  state: z.string(),
  check: z.string(),
  n: z.number(),
  effect: z.number(),
  p: z.number(),
  q: z.number(),
  psiCorrected: z.number(),
  statistics: z.object({
    ks: share,
    totalVariation: share,
    wasserstein: share,
    jensenShannon: share,
    missingShare: share,
    outsideShare: share,
    unseenShare: share,
  }),
  shares: z
    .object({
      low: z.number().nullable(),
      high: z.number().nullable(),
      labels: z.array(z.string()).readonly().nullable(),
      reference: z.array(z.number()).readonly(),
      window: z.array(z.number()).readonly(),
    })
    .nullable(),
});
export type ReportedColumn = z.infer<typeof featureSchema>;

export const driftDocumentSchema = z.object({
  kind: z.literal("aura.drift/2"),
  state: z.enum(["ok", "drift", "insufficient_data"]),
  nRows: z.number(),
  nReferenceRows: z.number(),
  reason: z.string(),
  features: z.array(featureSchema).readonly(),
  reconstruction: z.object({
    state: z.string(),
    n: z.number(),
    effect: share,
    p: share,
    q: share,
    unavailable: z.string().optional(),
    meanError: share,
    meanErrorReference: share,
    nComponents: share,
  }),
});
export type DriftDocument = z.infer<typeof driftDocumentSchema>;
