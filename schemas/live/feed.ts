import { z } from "zod";
import { nameSchema } from "../names.ts";
import { feedOriginSchema } from "./feed-origin.ts";

/**
 * Where a value of a reading stands in a message: a path into the item (`meta.machine`), `$topic.2` (a level of the
 * topic, from 1), `$key`, `$time` (the message's own time, where the stream gives it one) or `=text`.
 */
const placeSchema = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !text.startsWith("$") || /^\$(topic\.[1-9]\d?|key|time|file)$/.test(text), {
    message: "expected a path, =text, $topic.1 …, $key, $time or $file",
  });

/** How readings are found in messages. */
export const readingMapSchema = z.strictObject({
  items: placeSchema
    .optional()
    .describe("Path of the list of readings in a message; default: the message, or each of its items."),
  asset: placeSchema.optional().describe("The asset."),
  device: placeSchema.optional().describe("Or the device."),
  time: placeSchema.optional().describe("The time."),
  epoch: placeSchema.optional().describe("The life of the asset."),
  seq: placeSchema.optional().describe("Tells readings of one time apart."),
  values: z
    .record(z.string().min(1).max(128), placeSchema)
    .optional()
    .describe("Column and where its value stands; default: every other field of the item."),
});
export type ReadingMap = z.infer<typeof readingMapSchema>;

/** Declaration of a feed: what `aura feeds put` takes. */
export const feedSchema = z.strictObject({
  name: nameSchema.describe("The feed."),
  source: nameSchema.describe("The live source its readings are of."),
  description: z.string().max(500).optional().describe("For people."),
  from: feedOriginSchema.describe("Where readings come from."),
  reading: readingMapSchema
    .refine(({ asset, device }) => asset === undefined || device === undefined, {
      message: "expected either asset or device",
    })
    .optional()
    .describe(
      "How they stand in what comes; default: as POST /readings takes them, or with each value as a field.",
    ),
});
export type Feed = z.infer<typeof feedSchema>;

/** What a feed does now. */
export const FEED_STATES = ["waiting", "running", "failing", "paused"] as const;
export type FeedState = (typeof FEED_STATES)[number];
