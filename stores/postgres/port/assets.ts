/** One machine that is watched, and where it is. */
export interface AssetRow {
  readonly asset: string;
  readonly site: string | null;
  readonly customer: string | null;
  readonly assetClass: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** When a dataset first named it. */
  readonly firstSeen: string;
}

export interface AssetStore {
  /** In the order of their ids; `sites` and `after` as everywhere. */
  list(filter: {
    /** Only assets at these sites; one without a site is at none of them. */
    sites?: readonly string[];
    asset?: string;
    limit: number;
    /** Id of the last asset of the page before. */
    after?: string;
  }): Promise<AssetRow[]>;
}
