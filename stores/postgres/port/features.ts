import type { ObjectRef } from "../../../schemas/object-ref.ts";

/** Truth about one asset at one time: remaining life, failure within the horizon (0, 1), or class index. */
export interface LabelRow {
  readonly asset: string;
  /** `__t` of the reading. */
  readonly t: bigint;
  readonly kind: "failure" | "rul" | "class";
  readonly value: number;
}

export interface FeatureSetRow {
  /** Stored FeatureSetManifest; its hash is the id of the set. */
  readonly object: ObjectRef;
  readonly dataset: string;
  readonly view: string;
  readonly fitted: string;
  readonly rows: number;
  readonly assets: number;
}

export interface LatestFeatures {
  readonly asset: string;
  readonly t: bigint;
  /** In the order of the view; null = missing. */
  readonly values: readonly (number | null)[];
}

export interface FeatureSetEntry extends FeatureSetRow {
  readonly id: string;
  /** Pipeline of its dataset. */
  readonly pipeline: string;
  readonly createdAt: string;
}

export interface FeatureStore {
  /** One set, without its manifest, which is an object. */
  featureSet(id: string): Promise<FeatureSetEntry | undefined>;
  /** Newest first. */
  featureSets(filter: { readonly dataset?: string; readonly limit: number }): Promise<FeatureSetEntry[]>;
  /**
   * Idempotent; the caller bounds the number of rows.
   * @param of `view` is the hash of the feature view, which holds the label's horizon and cap
   */
  putLabels(
    of: { readonly dataset: string; readonly view: string },
    rows: AsyncIterable<LabelRow[]>,
  ): Promise<number>;
  /** Registers a feature set and the newest features of its assets. Idempotent. */
  putFeatureSet(set: FeatureSetRow, latest: AsyncIterable<LatestFeatures[]>): Promise<void>;
}
