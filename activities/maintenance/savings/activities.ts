import type { ObjectRef } from "../../../schemas/object-ref.ts";
import { PlatformError } from "../../../schemas/platform-error.ts";
import { putDocument } from "../../../stores/objects/documents.ts";
import type { ActivityDeps } from "../../dependencies.ts";
import { withHeartbeat } from "../../heartbeat.ts";
import { maintainedPipelineOf } from "../policies.ts";
import { simulateVersion } from "./simulate.ts";

export interface SimulateSavingsInput {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
}

/** Reports on what maintenance costs. */
export function createSavingsActivities(deps: ActivityDeps) {
  return {
    /**
     * What maintenance by a version would have cost on its holdout. **Effects**: the document. **Idempotency**: content.
     * **Heartbeat**: 1 s. **Retry**: work.
     *
     * @throws {PlatformError} not_found; conflict; not_enough_data; integrity
     */
    async simulateSavings(input: SimulateSavingsInput): Promise<{ readonly savings: ObjectRef }> {
      const { model, version, digest } = input;
      return withHeartbeat(async (beat) => {
        const row = await deps.db.registry.version(model, version);
        if (row?.digest !== digest)
          throw new PlatformError(
            "not_found",
            `simulate savings [${model}@${version}]: there is no such version`,
          );
        const policy = (await maintainedPipelineOf(deps.db, model))?.maintenance;
        if (policy === undefined)
          throw new PlatformError(
            "conflict",
            `simulate savings [${model}]: its pipeline has no \`maintenance\``,
          );
        return {
          savings: await putDocument(deps.objects, await simulateVersion(deps, { row, policy }, beat)),
        };
      });
    },
  };
}
