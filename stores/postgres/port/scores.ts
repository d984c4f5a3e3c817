import type { ObjectRef } from "../../../schemas/object-ref.ts";
import type { FleetScoreReply, RankedAsset } from "../../../schemas/serving/score.ts";

export interface ScoreStore {
  /** Fleet scores: one row per asset of a score job; idempotent on job id. */
  put(
    job: Omit<FleetScoreReply, "rows"> & { readonly object: ObjectRef },
    rows: readonly RankedAsset[],
  ): Promise<void>;
  /**
   * With `sites` the assets there alone, ranked among themselves and without row counts, which are of all sites;
   * undefined where there are none.
   */
  get(id: string, sites?: readonly string[]): Promise<FleetScoreReply | undefined>;
  /** When it was written; undefined where it is not. */
  writtenAt(id: string): Promise<string | undefined>;
}
