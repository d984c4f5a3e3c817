import type { ObjectRef } from "../../../schemas/object-ref.ts";
import type { PredictionRole } from "../../../schemas/serving/prediction.ts";

/** Where a trace sits in the spool or in `logs/predictions/`; the Arrow row is the truth. */
export interface PredictionIndexRow {
  readonly predictionId: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly asset: string | null;
  readonly at: string;
  readonly actor: string;
  /** Time in the data that it is about: microseconds since 1970 UTC, or the cycle; null where nobody said. */
  readonly t: number | null;
  readonly role: PredictionRole;
  readonly segment: string;
  readonly offset: number;
  /** Headline output: RUL, probability or class index. */
  readonly value: number;
  readonly requestId: string;
}

/** Predictions of one version, by when they were made: since ≤ at < until. */
export interface PredictionWindow {
  readonly model: string;
  readonly digest: string;
  /** Finds them sooner where it is known. */
  readonly version?: number;
  readonly since: string;
  readonly until: string;
  /** Default: answers. */
  readonly role?: PredictionRole;
}

/** `row`: a row that two versions have answered is in the samples of both, or in that of the one with fewer alone. */
export type SampledBy = "prediction" | "row";

/** What a prediction is held against the truth by. */
export type VersionPrediction = Pick<
  PredictionIndexRow,
  "predictionId" | "requestId" | "asset" | "t" | "value" | "segment"
>;

export interface PredictionStore {
  /** Idempotent on predictionId. */
  index(rows: readonly PredictionIndexRow[]): Promise<void>;
  shipped(segment: string, object: ObjectRef): Promise<void>;
  /** Asks whoever still writes a segment to ship it now. It may be lost: who waits asks again. */
  want(segment: string): Promise<void>;
  /** Calls back with each segment that is wanted; returns an unsubscribe. Reconnects by itself. */
  onWanted(listener: (segment: string) => void): Promise<() => Promise<void>>;
  get(predictionId: string): Promise<(PredictionIndexRow & { object: ObjectRef | null }) | undefined>;
  list(filter: {
    model?: string;
    asset?: string;
    since?: string;
    /** Only of assets that are at these sites now; those of no asset are at none. */
    sites?: readonly string[];
    /** Default: answers alone. */
    role?: PredictionRole;
    limit: number;
    after?: string;
  }): Promise<PredictionIndexRow[]>;
  /** In order of time and id; of more than `limit` an even sample, the same one each time. */
  ofVersion(
    window: PredictionWindow,
    limit: number,
    by?: SampledBy,
  ): Promise<{ total: number; rows: VersionPrediction[] }>;
  /** Where shipped segments lie; of one that was not shipped yet there is none. */
  objectsOf(segments: readonly string[]): Promise<{ segment: string; object: ObjectRef }[]>;
}
