import { checkFeatures } from "./checks/features.ts";
import { checkLabel } from "./checks/labels.ts";
import { scopeOf } from "./checks/scope.ts";
import { checkMaintenance } from "./checks/maintenance.ts";
import { checkRetraining } from "./checks/retraining.ts";
import { checkSources } from "./checks/sources.ts";
import { checkTraining } from "./checks/training.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Problem } from "./reading/yaml-document.ts";

export { problemKindOf } from "./checks/scope.ts";
export type { Problem } from "./reading/yaml-document.ts";

/**
 * What a schema cannot say: whether the parts of a pipeline fit together. Each problem is reported once, all of
 * them together; an empty list means that the file makes sense. Pure; needs no data.
 */
export function checkSemantics(pipeline: Pipeline): Problem[] {
  const scope = scopeOf(pipeline);
  checkSources(scope);
  checkLabel(scope);
  checkFeatures(scope);
  checkTraining(scope);
  checkMaintenance(scope);
  checkRetraining(scope);
  return scope.problems;
}
