import { z } from "zod";
import { nameSchema } from "../names.ts";
import { approvalSchema } from "./training.ts";
import { durationSchema, spanSchema } from "./time.ts";

const patterns = z.array(z.string().min(1).max(128)).max(100).default([]);

/** What a maintenance action may say of the case it is for; anything else in braces stays as it is written. */
export const ACTION_PLACEHOLDERS = ["asset", "model", "answer", "by", "class", "feature"] as const;

const whenSchema = z.strictObject({
  probability: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe(
      "Tasks failure_within and class: from this probability on. Default: what the version's threshold decides.",
    ),
  remaining: z
    .union([z.number().positive(), durationSchema])
    .optional()
    .describe("Task rul: from this remaining life down: a duration such as 72h, or hours or cycles."),
  classes: z
    .array(z.string().min(1).max(1_000))
    .min(1)
    .max(100)
    .optional()
    .describe("Task class with several classes: those that call for maintenance."),
  repeat: z
    .strictObject({
      hits: z.int().min(1).max(30).describe("So many of them."),
      of: z.int().min(1).max(30).describe("Of the last so many."),
    })
    .refine(({ hits, of }) => hits <= of, "expected hits of at most `of`")
    .default({ hits: 2, of: 3 })
    .describe(
      "So many of an asset's last answers must say so, the newest among them: one noisy answer opens nothing.",
    ),
});

const costsSchema = z.strictObject({
  failure: z.number().nonnegative().describe("Of a failure that nobody prevented, downtime left out."),
  planned: z.number().nonnegative().describe("Of the work when it is planned, downtime left out."),
  inspection: z
    .number()
    .nonnegative()
    .optional()
    .describe("Of work that finds nothing to mend; default: as planned work."),
  downtimePerHour: z
    .number()
    .nonnegative()
    .default(0)
    .describe("Of an hour in which the asset stands still."),
  failureHours: z.number().nonnegative().default(0).describe("Downtime after a failure."),
  plannedHours: z.number().nonnegative().default(0).describe("Downtime of planned work."),
  unusedLife: z
    .number()
    .nonnegative()
    .default(0)
    .describe("Task rul: of each hour or cycle of remaining life that is thrown away with a replaced part."),
  currency: z.string().max(8).default("EUR").describe("Printed beside the costs."),
});
export type MaintenanceCosts = z.infer<typeof costsSchema>;

/** The key `maintenance` of a pipeline file: what comes of a predicted failure. */
export const maintenanceSchema = z.strictObject({
  when: whenSchema
    .prefault({})
    .describe("Which answers open a recommendation. An asset has one open at most."),
  from: z
    .array(z.enum(["live", "fleet"]))
    .min(1)
    .max(2)
    .default(["live", "fleet"])
    .describe("Answers for live readings, and those of `aura score`."),
  withdrawAfter: z
    .int()
    .min(1)
    .max(1_000)
    .optional()
    .describe(
      "A recommendation that nobody has decided on is withdrawn after so many answers in a row that no longer say so; default: never.",
    ),
  again: durationSchema
    .optional()
    .describe(
      "After one has ended, when the same asset may have another though its answers never recovered; default: once they did.",
    ),
  critical: z
    .strictObject({
      assets: patterns.describe("Ids; `*` stands for any text."),
      classes: patterns.describe("Asset classes; `*` stands for any text."),
    })
    .prefault({})
    .describe("Assets whose maintenance a named person decides."),
  others: z
    .enum(["order", "ask"])
    .default("order")
    .describe("Of other assets: a work order is made at once, or the deciders are asked as well."),
  deciders: approvalSchema
    .extend({
      deadline: durationSchema.default("24h").describe("How long people have to decide."),
      onDeadline: z.enum(["expire", "reject", "escalate"]).default("escalate").describe("What happens then."),
      reminder: durationSchema.default("4h").describe("A reminder is recorded this often."),
    })
    .prefault({})
    .describe("Who decides, and until when."),
  leadTime: spanSchema
    .optional()
    .describe("How long the work takes to arrange: the recommendation says by when it is to be begun."),
  opportunity: spanSchema
    .optional()
    .describe(
      "Time to the next planned stop: what waiting means. Default of failure_within: its horizon; of rul: the lead time.",
    ),
  risk: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.1)
    .describe("Probability of a failure until the work is done that is put up with: it sets by when."),
  costs: costsSchema.optional().describe("What acting and waiting cost; without it no costs are given."),
  channel: nameSchema
    .optional()
    .describe(
      "Alert channel (webhook, slack or email) that work orders are sent to; default: they wait to be fetched.",
    ),
  actions: z
    .array(
      z.strictObject({
        class: z
          .string()
          .min(1)
          .max(1_000)
          .optional()
          .describe("Answers of this class; `*` stands for any text."),
        feature: z
          .string()
          .min(1)
          .max(200)
          .optional()
          .describe("Answers that this feature moved most; `*` stands for any text."),
        do: z
          .string()
          .min(1)
          .max(2_000)
          .describe(
            "What is to be done. {asset}, {model}, {answer}, {by}, {class} and {feature} are filled in.",
          ),
      }),
    )
    .max(100)
    .default([])
    .describe("What is to be done: the first that fits. Default: an inspection."),
});
export type MaintenancePolicy = z.infer<typeof maintenanceSchema>;
