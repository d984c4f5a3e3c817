import { PlatformError } from "../schemas/platform-error.ts";
import type { Pipeline } from "../schemas/pipeline/pipeline.ts";
import type { Candidate } from "../schemas/pipeline/training.ts";

/** Name of the constant model that stands beside every candidate; reserved. */
export const BASELINE_CANDIDATE = "baseline";

/** Display name of the n-th candidate: as declared, else its kind with its place when the kind alone is ambiguous. */
export function candidateName(candidate: Pick<Candidate, "kind" | "name">, index: number): string {
  return candidate.name ?? `${candidate.kind}-${index + 1}`;
}

/** A candidate under the name that runs and reports show. */
export interface NamedCandidate {
  readonly name: string;
  readonly candidate: Candidate;
}

/** Candidates that are trained; a blend is made of their answers. */
export function trainedCandidates({ candidates }: Pick<Pipeline, "candidates">): NamedCandidate[] {
  return candidates
    .map((candidate, i) => ({ name: candidateName(candidate, i), candidate }))
    .filter(({ candidate }) => candidate.kind !== "blend");
}

/**
 * Candidates that a blend is the mean of, in their order in the file.
 *
 * @throws {PlatformError} not_found for a member that is not declared
 */
export function membersOf(pipeline: Pick<Pipeline, "candidates">, blend: Candidate): NamedCandidate[] {
  // A graph from elsewhere cannot be put into another one.
  const trained = trainedCandidates(pipeline).filter(({ candidate }) => candidate.kind !== "external");
  if (blend.of === undefined) return trained;
  return blend.of.map((wanted) => {
    const found = trained.find(({ candidate }) => (candidate.name ?? candidate.kind) === wanted);
    if (found === undefined)
      throw new PlatformError("not_found", `blend candidates [${wanted}]: not in the pipeline`);
    return found;
  });
}
