import { z } from "zod";
import { nameSchema } from "../names.ts";

const patterns = z.array(z.string().min(1).max(128)).min(1).max(100).default(["*"]);
const time = z.iso.datetime({ offset: true });

/** Declaration of a silence: what `aura alerts silences put` takes. */
export const alertSilenceSchema = z
  .strictObject({
    name: nameSchema.describe("The silence."),
    comment: z.string().min(1).max(500).describe("Why, for whoever hears nothing."),
    rules: patterns.describe("Rules, or kinds of the platform's own alerts; `*` stands for any text."),
    assets: patterns.describe("Assets; `*` stands for any text."),
    from: time.optional().describe("From when on; default: at once."),
    until: time.describe("Its end. What is still open then, and not acknowledged, is told."),
  })
  .refine(({ from, until }) => from === undefined || Date.parse(from) < Date.parse(until), {
    message: "expected a time after from",
    path: ["until"],
  });
export type AlertSilence = z.infer<typeof alertSilenceSchema>;
