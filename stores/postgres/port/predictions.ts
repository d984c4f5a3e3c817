import type { ObjectRef } from "../../../schemas/object-ref.ts";

/** Where a trace sits in the spool or in `logs/predictions/`; the Arrow row is the truth. */
export interface PredictionIndexRow {
  readonly predictionId: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly asset: string | null;
  readonly at: string;
  readonly actor: string;
  readonly segment: string;
  readonly offset: number;
  /** Headline output: RUL, probability or class index. */
  readonly value: number;
  readonly requestId: string;
}

export interface PredictionStore {
  /** Idempotent on predictionId. */
  index(rows: readonly PredictionIndexRow[]): Promise<void>;
  shipped(segment: string, object: ObjectRef): Promise<void>;
  get(predictionId: string): Promise<(PredictionIndexRow & { object: ObjectRef | null }) | undefined>;
  list(filter: {
    model?: string;
    asset?: string;
    since?: string;
    /** Only of assets that are at these sites now; those of no asset are at none. */
    sites?: readonly string[];
    limit: number;
    after?: string;
  }): Promise<PredictionIndexRow[]>;
  segments(model: string, since: string): Promise<{ segment: string; object: ObjectRef; rows: number }[]>;
}
