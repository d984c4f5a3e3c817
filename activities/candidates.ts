import type { Candidate } from "../schemas/pipeline/training.ts";

/** Name of the constant model that stands beside every candidate; reserved. */
export const BASELINE_CANDIDATE = "baseline";

/** Display name of the n-th candidate: as declared, else its kind with its place when the kind alone is ambiguous. */
export function candidateName(candidate: Pick<Candidate, "kind" | "name">, index: number): string {
  return candidate.name ?? `${candidate.kind}-${index + 1}`;
}
