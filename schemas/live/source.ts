import { z } from "zod";
import { dataIdSchema, nameSchema } from "../names.ts";
import { columnSchema } from "../pipeline/source.ts";
import { unitFault } from "../pipeline/checks/unit-fault.ts";

/** What becomes of a reading that names an asset or a column nobody declared. */
const unknownRule = <const T extends readonly [string, ...string[]]>(values: T) => z.enum(values);

/** Days, hours, minutes or seconds: `90s`, `5m`, `36h`, `400d`. */
export const spanSchema = z
  .string()
  .regex(/^[1-9]\d{0,6}(s|m|h|d)$/, "expected a whole number and s, m, h or d, such as 5m or 400d");

/**
 * Declaration of a live source: what `aura sources put` takes. The columns are those of a pipeline file.
 *
 * Versions of it may add columns at the end and change what is said about values; a column never changes its type or its unit,
 * or leaves, since readings hold their values by place.
 */
export const liveSourceSchema = z
  .strictObject({
    name: nameSchema.describe("What senders name."),
    owner: z.string().min(1).max(200).describe("Who answers for it."),
    description: z.string().max(500).optional().describe("What it measures, for people."),
    retention: spanSchema.default("400d").describe("How long readings are kept."),
    time: z
      .strictObject({
        kind: z
          .enum(["timestamp", "cycle"])
          .default("timestamp")
          .describe("`cycle`: a number that counts up."),
        epochUnit: z
          .enum(["s", "ms", "us"])
          .optional()
          .describe("Times are numbers of these since 1970; default: ISO 8601 text with an offset."),
        ahead: spanSchema.default("5m").describe("How far a time may lie in the future."),
        behind: spanSchema.default("3650d").describe("How far a time may lie in the past."),
      })
      .default(() => ({ kind: "timestamp" as const, ahead: "5m", behind: "3650d" })),
    columns: z.array(columnSchema).min(1).max(1_000).describe("What is measured, in the order it is stored."),
    units: z
      .array(z.string().min(1).max(32))
      .max(100)
      .optional()
      .describe("Units beyond the known list, as in a pipeline file."),
    unknownAssets: unknownRule(["register", "quarantine", "reject"])
      .default("register")
      .describe("What becomes of a reading of an asset that nobody has heard of."),
    unknownColumns: unknownRule(["quarantine", "reject", "ignore"])
      .default("quarantine")
      .describe("What becomes of a reading with a value of no declared column."),
    perAsset: z
      .strictObject({
        perSecond: z.number().positive().max(1_000_000),
        burst: z.int().min(1).max(10_000_000),
      })
      .optional()
      .describe("Most readings of one asset; more are rejected. Default: no limit."),
    silentAfter: spanSchema
      .optional()
      .describe(
        "An asset without a reading for so long is silent: what `absence` rules of the source go by.",
      ),
    driftThreshold: z
      .number()
      .min(0)
      .max(1)
      .default(0.2)
      .describe("Share of drifted columns that is reported."),
    pii: z
      .array(dataIdSchema)
      .max(1_000)
      .default([])
      .describe("Columns that are masked where readings are shown."),
  })
  .superRefine((source, context) => {
    const names = source.columns.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined)
      context.addIssue({ code: "custom", path: ["columns"], message: `expected ${twice} once` });
    const unknown = source.pii.find((name) => !names.includes(name));
    if (unknown !== undefined)
      context.addIssue({
        code: "custom",
        path: ["pii"],
        message: `expected declared columns, got ${unknown}`,
      });
    source.columns.forEach(({ type, values, unit }, i) => {
      const fault = unit === undefined ? undefined : unitFault(unit, source.units);
      if (fault !== undefined)
        context.addIssue({ code: "custom", path: ["columns", i, "unit"], message: `expected ${fault}` });
      if (type === "text" && values === undefined)
        context.addIssue({
          code: "custom",
          path: ["columns", i, "values"],
          message: "expected the words a text column may hold: readings hold their numbers",
        });
    });
  });
export type LiveSource = z.infer<typeof liveSourceSchema>;

/** Milliseconds of a span. */
export function spanMs(span: string): number {
  const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[span.at(-1) as "s" | "m" | "h" | "d"];
  return Number(span.slice(0, -1)) * unit;
}
