import type { DatasetManifest } from "../../../schemas/data/dataset.ts";

/** Newest dataset of a pipeline. */
export interface CatalogDataset {
  readonly id: string;
  readonly pipeline: string;
  readonly owner: string;
  readonly retention: string;
  readonly manifest: DatasetManifest;
  readonly createdAt: string;
}

/** How far what arrives is from what a live source declares. */
export interface SchemaDrift {
  readonly source: string;
  readonly received: number;
  readonly stored: number;
  /** Set aside because columns or types are not the declared ones. */
  readonly misfits: number;
}

/** What there is, for whoever looks for data. */
export interface CatalogStore {
  /** Newest of each pipeline, in the order of their names. */
  datasets(): Promise<CatalogDataset[]>;
  /** Of readings that came since a time, by source. */
  schemaDrift(since: string): Promise<SchemaDrift[]>;
}
