import { z } from "zod";

/** Marks in `folds` for units that train nothing. */
export const HOLDOUT_FOLD = -1;
export const DROPPED_FOLD = -2;

/**
 * Who trains, who validates, who is held out: made before anything is learnt from data.
 *
 * The unit is the asset (all its rows stay together) or, for plain tables, the row (`__seq`).
 */
export const splitDocumentSchema = z.strictObject({
  kind: z.literal("aura.split/1"),
  unit: z.enum(["asset", "row"]),
  /** Asset ids; empty for rows, whose index is `__seq`. */
  ids: z.array(z.string()),
  /** `folds[repeat][unit]`: fold number, HOLDOUT_FOLD or DROPPED_FOLD. The holdout is equal in all repeats. */
  folds: z.array(z.array(z.int().min(DROPPED_FOLD))).min(1),
  /** Rows at or after this `__t` are the holdout, whatever their asset; rows from `gapFrom` to it are dropped. */
  holdoutFrom: z.number().optional(),
  gapFrom: z.number().optional(),
  /**
   * Folds that follow each other in time: fold k holds the rows from `from[k]` to `from[k + 1]`, and what is judged by it
   * learns from rows more than `gap` before `from[k]` alone. Rows before `from[0]` only train.
   */
  timeFolds: z.strictObject({ from: z.array(z.number()).min(1), gap: z.number() }).optional(),
});
export type SplitDocument = z.infer<typeof splitDocumentSchema>;
