import { PROMOTED_TWICE } from "./outcome.ts";
import type { CaseResult } from "./run-case.ts";

/** The worker without the promotion's idempotency key, as built: here the harness must find fault. */
export const KEYLESS_WORKER = "tests/faults/keyless-worker.js";

/** Any other failure of the case proves nothing. */
export function hasDoublePromotion({ violations }: CaseResult): boolean {
  return violations.some((violation) => violation.startsWith(PROMOTED_TWICE));
}
