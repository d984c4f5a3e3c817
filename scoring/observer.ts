import type { AssetScore, FollowedReading } from "../stores/postgres/port/online.ts";

/**
 * What may watch a scorer: alert rules are evaluated here, on the assets that the scorer owns.
 *
 * Calls come in the order of events, are not waited for, and must not throw. They come from one scorer per asset at a time;
 * after a takeover the new owner's begin where the former's ended, and an asset may be told of twice. What must be done
 * once names the fence of the asset's shard in its write, as `OnlineStore.putScores` does.
 */
export interface ScoringObserver {
  /** Live sources whose readings it needs beside those that feed models, by key. */
  sources?(): readonly number[];
  /** Readings as they were committed, newest last; of assets that this scorer owns. */
  readingsArrived?(readings: readonly FollowedReading[]): void;
  /** The champion's answers, after they were traced and stored in `asset_scores`. */
  assetsScored?(scores: readonly AssetScore[]): void;
  /** Assets of these shards are this scorer's from now on, or no longer. */
  shardsChanged?(shards: readonly number[]): void;
}
