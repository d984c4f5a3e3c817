import { z } from "zod";

const savedNumbers = z.array(z.number().nullable()).readonly();

/**
 * An asset's series at one of its readings: with it, and with the readings that windows reach back to, the series goes on
 * without those before. Good as long as the readings up to it are the ones that were there: `nRead` of them, from `beganAt` on.
 */
export const seriesCheckpointSchema = z.strictObject({
  epoch: z.int(),
  ts: z.int(),
  seq: z.int(),
  /** Readings of this life up to it, good or not, and the time of the first. */
  nRead: z.int(),
  beganAt: z.int(),
  /** Of good ones alone. */
  nUsed: z.int(),
  firstAt: z.number().nullable(),
  /** Features at the newest good reading up to it. */
  row: savedNumbers,
  state: z.array(savedNumbers).readonly(),
});
export type SeriesCheckpoint = z.infer<typeof seriesCheckpointSchema>;
