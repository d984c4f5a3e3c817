import { z } from "zod";
import { hashOf } from "../schemas/canonical-json.ts";
import type { LiveModel } from "./live-model.ts";

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

/** Raised when states are saved otherwise than before, or features have other values. */
const STATE_VERSION = 2;

const hashes = new WeakMap<object, string>();

/**
 * Hash of all that a checkpoint depends on beside readings. Two versions that compute the same features of the same columns go on
 * from each other's: a version that was trained again need not read the lives of all assets once more.
 */
export function checkpointHashOf(model: Pick<LiveModel, "view" | "fitted">): string {
  const { view, fitted } = model;
  let hash = hashes.get(model);
  if (hash === undefined) {
    const { timeKind, columns, derived, regimes, checks, features } = view;
    hash = hashOf({
      state: STATE_VERSION,
      timeKind,
      columns,
      derived,
      features,
      fitted,
      ...(regimes === undefined ? {} : { regimes }),
      ...(checks === undefined ? {} : { checks }),
    });
    hashes.set(model, hash);
  }
  return hash;
}
