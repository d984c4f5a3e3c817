import { z } from "zod";
import { REFERENCE_KIND } from "../../numerics/drift/reference.ts";
import type { DriftReference } from "../../numerics/drift/reference.ts";
import { SCORE_COLUMN } from "../evaluation/model-reference.ts";

/**
 * `reference.json` of a version as it may lie in a store, in two forms. The first had neither kind nor role, range, plot,
 * intraclass correlation and reconstruction: what is absent is null or 0, and the checks that need it say "not available".
 */
const count = z.number().min(0);
const ratio = z.number().positive().max(1);
const intraclass = z.number().min(0).max(1).default(0);
const numbers = z.array(z.number());
const role = z.enum(["feature", "score"]).optional();

const numericSchema = z.object({
  name: z.string(),
  kind: z.literal("numeric"),
  role,
  count,
  missing: count,
  independentRatio: ratio,
  intraclass,
  mean: z.number().nullable(),
  std: z.number().nullable(),
  min: z.number().nullable().default(null),
  max: z.number().nullable().default(null),
  plot: z.object({ low: z.number(), high: z.number(), counts: numbers }).nullable().default(null),
  edges: numbers,
  counts: numbers,
  sketch: numbers,
});

const categoricalSchema = z.object({
  name: z.string(),
  kind: z.literal("categorical"),
  role,
  count,
  missing: count,
  independentRatio: ratio,
  intraclass,
  categories: z.array(z.object({ value: z.string(), count })),
  otherCount: count,
});

const reconstructionSchema = z.object({
  columns: z.array(z.string()).min(2),
  means: numbers,
  scales: numbers,
  components: numbers,
  nComponents: z.int().min(1),
  explainedShare: z.number(),
  nRows: count,
  independentRatio: ratio,
  intraclass,
  errorCap: z.number().min(0).nullable().default(null),
  meanError: z.number(),
  errorStd: z.number().positive(),
  foldErrors: numbers.min(2),
});

export const referenceDocumentSchema = z
  .object({
    kind: z
      .literal(REFERENCE_KIND, "expected a reference of this release or an older one; upgrade to check it")
      .optional(),
    nRows: count,
    features: z.array(z.discriminatedUnion("kind", [numericSchema, categoricalSchema])),
    reconstruction: reconstructionSchema.nullable().default(null),
  })
  .transform((document): DriftReference => ({
    ...document,
    kind: REFERENCE_KIND,
    features: document.features.map((feature) => ({
      ...feature,
      role: feature.role ?? (feature.name === SCORE_COLUMN ? "score" : "feature"),
    })),
  }));
