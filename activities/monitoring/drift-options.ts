import type { DriftOptions } from "../../numerics/drift/verdict.ts";
import type { Monitoring } from "../../schemas/pipeline/monitoring.ts";

/** Of so many rows as may be read, a sample has about as many: a verdict that asks for all of them would never come. */
const SURE_SHARE = 0.9;

/**
 * When a shift counts, as the pipeline file says.
 *
 * @param mostRows  more than this are not read; a verdict cannot ask for more
 */
export function driftOptions(
  monitoring: Monitoring,
  mostRows: number,
): Required<Omit<DriftOptions, "groups">> {
  return {
    minRows: Math.min(monitoring.minRows, Math.floor(mostRows * SURE_SHARE)),
    alpha: monitoring.significance,
    minEffect: monitoring.ks,
    minPsi: monitoring.psi,
    minOutside: monitoring.range,
    minUnseen: monitoring.categories,
    minReconstruction: monitoring.reconstruction,
  };
}
