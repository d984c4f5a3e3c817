import { z } from "zod";
import { rawFileSchema } from "../data/dataset.ts";
import { errorLocationSchema } from "../error-location.ts";
import { nameSchema, sha256Schema } from "../names.ts";
import { evaluationSchema, gateResultSchema, metricSetSchema } from "../models/model-version.ts";

export const RUN_STAGES = [
  "ingest",
  "split",
  "transform",
  "train",
  "evaluate",
  "register",
  "gate",
  "approve",
  "promote",
] as const;
export type RunStage = (typeof RUN_STAGES)[number];

export const runOutcomeSchema = z.enum([
  "promoted",
  "unchanged",
  "refused",
  "rejected",
  "expired",
  "waiting",
  "rolled_back",
  "aborted",
]);
/** Why a run ended without an outcome; `locations` says where in which file, as far as that is known. */
export const runErrorSchema = z.strictObject({
  code: z.string(),
  message: z.string(),
  locations: z.array(errorLocationSchema).exactOptional(),
});
export type RunError = z.infer<typeof runErrorSchema>;
export type RunOutcome = z.infer<typeof runOutcomeSchema>;

/** Body of `POST /v1/runs`. `pipeline` is the text of the pipeline file. */
export const startRunSchema = z.strictObject({
  pipeline: z.string().min(1).max(1_000_000),
  files: z.array(rawFileSchema).max(10_000),
  /** Part of the run's identity: a schedule or retrain window; two keys are two runs on the same data. */
  scheduleKey: z.string().max(128).optional(),
});

export const stageStateSchema = z.strictObject({
  stage: z.enum(RUN_STAGES),
  state: z.enum(["waiting", "running", "done", "reused", "failed", "skipped"]),
  /** 0 to 1 where the stage can say. */
  progress: z.number().optional(),
  detail: z.string().optional(),
  startedAt: z.string().optional(),
  ms: z.number().optional(),
});
export type StageState = z.infer<typeof stageStateSchema>;

/** Why the present step of a run is tried again: what it waits for. */
export const pendingFailureSchema = z.strictObject({
  /** Null for a fault that has no code. */
  code: z.string().nullable(),
  message: z.string(),
  /** Number of the attempt that comes or goes on, from 2. */
  attempt: z.int(),
});
export type PendingFailure = z.infer<typeof pendingFailureSchema>;

/** Reply of `GET /v1/runs/{id}`. */
export const runViewSchema = z.strictObject({
  runId: z.string(),
  workflowId: z.string(),
  pipeline: nameSchema,
  model: nameSchema,
  status: z.enum(["running", "waiting", "finished", "failed", "cancelled"]),
  outcome: runOutcomeSchema.optional(),
  dataset: sha256Schema.optional(),
  version: z.int().optional(),
  digest: sha256Schema.optional(),
  approvalId: z.string().optional(),
  stages: z.array(stageStateSchema),
  metrics: z.strictObject({ test: metricSetSchema, cv: metricSetSchema }).optional(),
  evaluation: evaluationSchema.optional(),
  gates: z.array(gateResultSchema).optional(),
  error: runErrorSchema.optional(),
  waitsFor: pendingFailureSchema
    .optional()
    .describe("Why the present step is tried again; of one run that goes on, not in lists."),
  requestedBy: z.string(),
  startedAt: z.string(),
  finishedAt: z.string().optional(),
});
export type RunView = z.infer<typeof runViewSchema>;
