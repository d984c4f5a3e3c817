import { apiPart } from "./api.ts";
import { ingestorPart } from "./ingestor.ts";
import type { PartDefinition } from "./part.ts";
import { postgresPart } from "./postgres.ts";
import { scorerPart } from "./scorer.ts";
import { temporalPart } from "./temporal.ts";
import { workerPart } from "./worker.ts";

/**
 * Every part of the platform. They start as soon as what they need is ready, and stop in the reverse of
 * this order: API, ingestor, scorer, worker, Temporal, PostgreSQL.
 */
export const PARTS: readonly PartDefinition[] = [
  postgresPart,
  temporalPart,
  workerPart,
  scorerPart,
  ingestorPart,
  apiPart,
];
