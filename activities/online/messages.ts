export interface FeaturesRefreshInput {
  /** Of this model alone. */
  readonly model?: string;
  /** ms since 1970: assets whose newest reading was stored since then, behind or not. */
  readonly sinceMs?: number;
  /** Every asset with live readings, and not only those whose answer is behind. */
  readonly isWhole?: boolean;
}

export interface FeaturesRefreshResult {
  /** Scorers that were there. */
  readonly scorers: number;
  /** Champions that live readings feed. */
  readonly models: number;
  /** Assets, once for each model, whose features are computed anew. */
  readonly assets: number;
}
