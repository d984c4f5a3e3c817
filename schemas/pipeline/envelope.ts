import { z } from "zod";
import { nameSchema } from "../names.ts";
import { durationSchema } from "./time.ts";
import { approvalPolicySchema, gateSchema } from "./training.ts";

/** Names separated by blanks, in which `*` stands for any text and `?` for one character. */
const patterns = z.string().min(1).max(2_000);
const withDefaults = <T extends z.ZodType>(schema: T) => schema.prefault({} as never);

/** What one parameter of a retrained version may be. */
export const allowedParamSchema = z.union([
  z
    .strictObject({
      low: z.number().optional().describe("Least value, included."),
      high: z.number().optional().describe("Largest value, included."),
    })
    .refine(({ low, high }) => low !== undefined || high !== undefined, "expected `low`, `high` or both"),
  z.strictObject({
    values: z
      .array(z.union([z.number(), z.string().max(2_000), z.boolean()]))
      .min(1)
      .max(100)
      .describe("The values it may have."),
  }),
]);
export type AllowedParam = z.infer<typeof allowedParamSchema>;

/** Who decides on a version inside the envelope: as `approval`, and lighter. */
export const envelopeApprovalSchema = approvalPolicySchema.extend({
  deadline: durationSchema.default("1d").describe("How long people have to object or to approve."),
  onDeadline: z
    .enum(["approve", "expire", "reject", "escalate"])
    .default("approve")
    .describe("What happens then; approve: nobody has objected, and the policy approves."),
  reminder: durationSchema.default("1d").describe("A reminder is recorded this often."),
});
export type EnvelopeApproval = z.infer<typeof envelopeApprovalSchema>;

/**
 * How far a version that a retrain made may differ to be approved lightly, from the version that people approved with this envelope:
 * the champion, or the one before it that retrains have replaced since.
 */
export const envelopeSchema = z.strictObject({
  features: withDefaults(
    z.strictObject({
      added: patterns
        .optional()
        .describe("Features it may see that the approved version does not, by name as in `candidates`."),
      dropped: patterns.optional().describe("Features of the approved version that it need not see."),
    }),
  ).describe("Which features may differ. Default: none."),
  candidates: z
    .array(nameSchema)
    .min(1)
    .max(20)
    .optional()
    .describe("Candidates that may be chosen, by name. Default: that of the approved version."),
  params: z
    .record(nameSchema, z.record(z.string().max(64), allowedParamSchema))
    .default({})
    .describe(
      "By candidate and parameter, what it may be; a parameter that is not named must be as approved.",
    ),
  data: withDefaults(
    z.strictObject({
      minRows: z.int().min(1).optional().describe("Accepted readings at least."),
      minAssets: z.int().min(1).optional().describe("Assets at least."),
      maxAge: durationSchema
        .optional()
        .describe("The newest reading may be this old; time must be a timestamp."),
      minSpan: durationSchema
        .optional()
        .describe("Time from the oldest to the newest reading, at least; timestamps."),
      maxSpan: durationSchema.optional().describe("The same, at most."),
      minShare: z
        .number()
        .min(0)
        .max(1)
        .default(0.5)
        .describe("Readings, as a share of those of the approved version: less is a source that broke."),
    }),
  ).describe("What data it may be trained from."),
  quality: withDefaults(
    z.strictObject({
      gates: z.array(gateSchema).max(32).default([]).describe("Bounds beside the pipeline's own gates."),
      maxWorse: z
        .record(z.string().max(64), z.number().min(0))
        .default({})
        .describe("By metric, how much worse than the champion on the same rows; in the unit of the metric."),
    }),
  ).describe("How good it must be."),
  approval: withDefaults(envelopeApprovalSchema).describe("Who decides on a version inside the envelope."),
});
export type Envelope = z.infer<typeof envelopeSchema>;
