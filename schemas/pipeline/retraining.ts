import { z } from "zod";
import { isCron } from "./cron.ts";
import { envelopeSchema } from "./envelope.ts";
import { periodSchema } from "./time.ts";

export const retrainScheduleSchema = z.union([
  z.strictObject({ every: periodSchema.describe("Time between two retrains.") }),
  z.strictObject({
    cron: z
      .string()
      .max(128)
      .refine(isCron, "expected five fields: minute, hour, day of month, month, day of week, e.g. 0 3 * * 1")
      .describe("Minute, hour, day of month, month and day of week."),
    timezone: z
      .string()
      .max(64)
      .refine(isTimeZone, "expected an IANA zone, e.g. Europe/Berlin")
      .default("UTC")
      .describe("IANA zone of these times."),
  }),
]);
export type RetrainSchedule = z.infer<typeof retrainScheduleSchema>;

/** What starts a retrain by itself, and how often at most. A person may ask for one at any time. */
export const retrainingSchema = z.strictObject({
  schedule: retrainScheduleSchema.optional().describe("Times at which a retrain starts. Default: none."),
  onDrift: z.boolean().default(true).describe("Whether confirmed drift starts a retrain."),
  onDegradation: z
    .boolean()
    .default(true)
    .describe("Whether realized quality that is worse than it may be starts a retrain."),
  newLabels: z
    .int()
    .min(1)
    .optional()
    .describe("So many labels since the champion was trained start a retrain. Default: none do."),
  live: z
    .boolean()
    .default(true)
    .describe(
      "Whether readings that were stored since are learnt from, where the readings name a live source as `live`; with failures that were reported as labels.",
    ),
  coolDown: periodSchema
    .default("1d")
    .describe(
      "At most one retrain in this time, whatever asks for it. After one that the schedule asked for it counts from the time of the schedule, so that the next is never too early.",
    ),
  envelope: envelopeSchema
    .optional()
    .describe(
      "Within it a retrained version needs a lighter approval, outside it is refused. It counts once a person has approved a version of this file. Default: retrained versions are approved as all others.",
    ),
});
export type Retraining = z.infer<typeof retrainingSchema>;

/** Names alone: the scheduler knows no offsets such as +01:00. */
function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z][\w+/-]*$/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
