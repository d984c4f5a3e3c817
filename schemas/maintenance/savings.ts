import { z } from "zod";
import { nameSchema, sha256Schema } from "../names.ts";
import { WORK_OUTCOMES } from "./work-order.ts";

const strategySchema = z.strictObject({
  /** In `currency`, of all lives. */
  cost: z.number(),
  /** Time in operation, in `unit`. */
  lived: z.number(),
  failures: z.int(),
  /** Planned work. */
  works: z.int(),
  /** Cost per 1,000 `unit` in operation; null where nothing was. */
  rate: z.number().nullable(),
});
export type SavingsStrategy = z.infer<typeof strategySchema>;

/** Share of the cost rate, with its 95 % interval by bootstrap over assets. */
const shareSchema = z.strictObject({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});

const realizedSchema = z.strictObject({
  /** Closed work orders by what came of them. */
  outcomes: z.record(z.string(), z.int()),
  /** The same with their costs, in the declared currency; outcomes without an order are left out. */
  byOutcome: z
    .array(
      z.strictObject({
        result: z.enum(WORK_OUTCOMES),
        orders: z.int(),
        declaredCost: z.number().describe("Of all of them, as declared."),
        reporting: z.int().describe("Orders that said what they came to."),
        reportedCost: z.number().nullable().describe("What these came to; null: none said it."),
        declaredOfReporting: z.number().describe("Of these alone, as declared."),
      }),
    )
    .readonly(),
  /** Of those that were looked at, the share in which something was found. */
  precision: z.number().nullable(),
  /** Hours from the recommendation to the closing of its order, the median. */
  medianHours: z.number().nullable(),
  /** Closed orders that said what they came to. */
  reporting: z.int(),
  /** What they said; null where none did. */
  reportedCost: z.number().nullable(),
  /** What these orders alone come to as declared. */
  declaredOfReporting: z.number(),
  /** With the declared costs. */
  cost: z.number(),
  /** What it would have been if every replaced part had failed and nothing had been looked at. */
  costIfNothingWasDone: z.number(),
});

/** What maintenance by a model would have cost, and what it did cost: the document that a simulation stores. */
export const savingsSchema = z.strictObject({
  kind: z.literal("aura.savings/1"),
  model: nameSchema,
  version: z.int(),
  digest: sha256Schema,
  dataset: z.string(),
  task: z.enum(["rul", "failure_within"]),
  unit: z.enum(["h", "cycles"]),
  currency: z.string(),
  costs: z.strictObject({
    failure: z.number(),
    planned: z.number(),
    inspection: z.number(),
    unusedLife: z.number(),
  }),
  policy: z.strictObject({
    /** From the alarm to the work. */
    lead: z.number(),
    /** An alarm without a failure within it is a false one; null: the part is replaced whenever an alarm says so. */
    horizon: z.number().nullable(),
    hits: z.int(),
    of: z.int(),
    /** From which answer on: probability at least, remaining life at most. */
    threshold: z.number(),
  }),
  lives: z.strictObject({ total: z.int(), assets: z.int(), failed: z.int() }),
  modelled: strategySchema.extend({
    prevented: z.int(),
    missed: z.int(),
    late: z.int(),
    replacedUnfailed: z.int(),
    falseAlarms: z.int(),
    /** From the alarm to the failure that was prevented, the median. */
    medianWarning: z.number().nullable(),
  }),
  runToFailure: strategySchema,
  fixedAge: strategySchema.extend({
    /** The best there was on these lives; null: never. */
    age: z.number().nullable(),
  }),
  overRunToFailure: shareSchema,
  overFixedAge: shareSchema,
  /** The first lives, for a picture: times from the life's begin. */
  timeline: z.array(
    z.strictObject({
      asset: z.string(),
      entry: z.number(),
      end: z.number(),
      hasFailed: z.boolean(),
      alarms: z.array(z.number()),
      workAt: z.number().nullable(),
      outcome: z.string(),
    }),
  ),
  /** From closed work orders; null: there are none. */
  realized: realizedSchema.nullable(),
  notes: z.array(z.string()),
});
export type SavingsReport = z.infer<typeof savingsSchema>;
export type RealizedCosts = z.infer<typeof realizedSchema>;

/** Reply of `GET /v1/models/{model}/savings`. */
export const savingsViewSchema = z.strictObject({
  workflowId: z.string(),
  status: z.enum(["running", "finished"]),
  savings: savingsSchema.nullable(),
});
