import type { DriftOptions } from "../../numerics/drift/verdict.ts";
import type { Monitoring } from "../../schemas/pipeline/monitoring.ts";

/** When a shift counts, as the pipeline file says. */
export function driftOptions(monitoring: Monitoring): Required<Omit<DriftOptions, "groups">> {
  return {
    minRows: monitoring.minRows,
    alpha: monitoring.significance,
    minEffect: monitoring.ks,
    minPsi: monitoring.psi,
    minOutside: monitoring.range,
    minUnseen: monitoring.categories,
    minReconstruction: monitoring.reconstruction,
  };
}
