import type { ObjectRef } from "../../../schemas/object-ref.ts";

export interface ScoreStore {
  /** Fleet scores: one row per asset of a score job; idempotent on job id. */
  put(
    job: { id: string; model: string; version: number; digest: string; dataset: string; object: ObjectRef },
    rows: readonly { asset: string; rank: number; value: number; at: string }[],
  ): Promise<void>;
  /** With `sites` the assets there alone, ranked among themselves; undefined where there are none. */
  get(
    id: string,
    sites?: readonly string[],
  ): Promise<
    | {
        id: string;
        model: string;
        version: number;
        digest: string;
        dataset: string;
        rows: { asset: string; rank: number; value: number; at: string }[];
      }
    | undefined
  >;
}
