import type { SqlValue } from "../../connection/connection-pool.ts";
import type { PredictionWindow } from "../../port/predictions.ts";

/** Whether a row `p` of the index is in a window, with the values of `windowValues` as $1 to $6. The index is by version. */
export const IS_IN_WINDOW = `p.model = $1 and p.digest = $2 and p.at >= $3 and p.at < $4 and p.role = $5
    and ($6::integer is null or p.version = $6)`;

export const PREDICTIONS_IN_WINDOW = `aura.prediction_index p where ${IS_IN_WINDOW}`;

export function windowValues({ model, digest, since, until, role, version }: PredictionWindow): SqlValue[] {
  return [model, digest, since, until, role ?? "answer", version ?? null];
}
