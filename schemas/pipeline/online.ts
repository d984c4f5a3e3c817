import { z } from "zod";
import { durationMs, durationSchema } from "./time.ts";

/** What a pipeline file says about features of live readings. */
export const onlineSchema = z.strictObject({
  ttl: durationSchema
    .default("1d")
    .describe(
      "Features whose newest reading is older are stale; of cycles the time of their arrival counts.",
    ),
  policy: z
    .enum(["reject", "impute", "flag"])
    .default("flag")
    .describe(
      "A prediction by asset id on stale or unfit features: `reject` refuses it, `impute` takes them for missing, `flag` answers with a warning.",
    ),
  window: z
    .int()
    .min(2)
    .max(10_000)
    .default(20)
    .describe("Newest readings of an asset that the checks below look at."),
  maxMissing: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("Share of missing values of a column in the window above which features of it are unfit."),
  maxBad: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe(
      "Share of readings in the window that were left out (range, type, words) above which all are unfit.",
    ),
  stuckAfter: z
    .record(z.string(), z.int().min(2).max(10_000))
    .default({})
    .describe("By column: so many equal values in a row are a stuck sensor, and its features unfit."),
  maxRate: z
    .record(z.string(), z.number().positive())
    .default({})
    .describe(
      "By column: the most it can change per hour, or per cycle; a faster change makes its features unfit.",
    ),
});
export type OnlineDeclaration = z.infer<typeof onlineSchema>;

/** The same with the times in milliseconds. */
export interface OnlineSettings extends Omit<OnlineDeclaration, "ttl"> {
  readonly ttlMs: number;
}

/** What a pipeline declares, or the defaults. */
export function onlineSettings(declared: OnlineDeclaration | undefined): OnlineSettings {
  const { ttl, ...rest } = declared ?? onlineSchema.parse({});
  return { ...rest, ttlMs: durationMs(ttl) };
}
