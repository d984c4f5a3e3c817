import { z } from "zod";
import { sha256Schema } from "../names.ts";
import { parquetPartSchema } from "./dataset.ts";

/** One concrete feature after expansion of the declared operators. Order is the order of the model's input. */
export const featureSpecSchema = z.strictObject({
  /** e.g. `s2_mean_30`; derived from column names, so it may hold any UTF-8. */
  name: z.string().min(1).max(400),
  physical: z.string().regex(/^f\d+$/),
  kind: z.enum(["number", "category"]),
  unit: z.string().optional(),
});
export type FeatureSpec = z.infer<typeof featureSpecSchema>;

/**
 * Everything learnt from training rows that features need; part of the model version.
 * Empty object: nothing was learnt.
 */
export const fittedStateSchema = z.strictObject({
  regimes: z
    .strictObject({
      columns: z.array(z.string()),
      /** k × nColumns standardised centres, and the scale they live in. */
      centres: z.array(z.array(z.number())),
      settingMeans: z.array(z.number()),
      settingScales: z.array(z.number()),
      normalized: z.array(z.string()),
      /** k × normalized columns. */
      means: z.array(z.array(z.number())),
      scales: z.array(z.array(z.number())),
    })
    .optional(),
  /** Text column or attribute → values in code order (code = index; unseen = NaN). */
  categories: z.record(z.string(), z.array(z.string())).optional(),
  /** Class labels in code order, of the training side; any other class is unlabelled. */
  classLabels: z.array(z.string()).optional(),
});
export type FittedState = z.infer<typeof fittedStateSchema>;

/**
 * Features and labels of one dataset under one view and one fitted state.
 *
 * Parquet columns, sorted by (`__asset`, `__t`, `__seq`): `__asset`, `__t`, `__seq`, `__part` as in the dataset;
 * `__y` DOUBLE label as learnt (capped RUL, 0/1, class index; NULL = unlabelled); `__y_raw` DOUBLE label before
 * the cap, NULL as well where only the cap is known to be reached; of forecasts `__target<h>` and `__naive<h>` DOUBLE per
 * horizon, and both labels that of the nearest known one; `__last` BOOLEAN last reading of its asset; `f<i>` DOUBLE,
 * NULL = missing. With `nCensored` also `__y_least` DOUBLE: of unlabelled rows whose asset had not failed, what the label
 * exceeds.
 */
export const featureSetManifestSchema = z.strictObject({
  kind: z.literal("aura.features/1"),
  dataset: sha256Schema,
  view: sha256Schema,
  fitted: sha256Schema,
  features: z.array(featureSpecSchema),
  classLabels: z.array(z.string()).optional(),
  /** Rows left unlabelled because no training row has their class. */
  nUnseenClass: z.int().min(0).optional(),
  /** Horizons of a forecast. */
  nHorizons: z.int().min(1).optional(),
  parts: z.array(parquetPartSchema),
  nRows: z.int().min(0),
  nLabelled: z.int().min(0),
  /** Whether there is `__weight` DOUBLE: how much a row counts in learning. Absent: all count alike. */
  hasWeight: z.literal(true).optional(),
  /** Rows with `__y_least`; absent where the label has no such rows. */
  nCensored: z.int().min(0).optional(),
  nAssets: z.int().min(0),
});
export type FeatureSetManifest = z.infer<typeof featureSetManifestSchema>;
