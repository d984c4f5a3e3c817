import type { DatasetManifest, SourceCounts } from "../../../schemas/data/dataset.ts";
import type { ObjectRef } from "../../../schemas/object-ref.ts";
import type { AuditEntry } from "./actor.ts";

export interface DatasetStore {
  /** Registers dataset, batch ledger rows (one per raw file), assets, labels counts, in one transaction; idempotent on id. */
  register(entry: DatasetEntry): Promise<void>;
  get(
    datasetId: string,
  ): Promise<{ manifest: DatasetManifest; owner: string; retention: string; createdAt: string } | undefined>;
  /** The last time of each of these assets in a source of a dataset, as `DatasetEntry.assets` says it; those without any are left out. */
  lastTimes(of: {
    readonly dataset: string;
    readonly source: string;
    readonly assets: readonly string[];
  }): Promise<ReadonlyMap<string, string>>;
  list(
    limit: number,
  ): Promise<{ id: string; pipeline: string; owner: string; rows: number; createdAt: string }[]>;
  /** Datasets and feature sets whose ids begin so, at most `limit`. */
  idsFrom(
    prefix: string,
    limit: number,
  ): Promise<{ kind: "dataset" | "features"; id: string; pipeline: string }[]>;
  /** Replaces staged rows of (dataset, source) through COPY; bounded by the caller. Idempotent. */
  stageRows(datasetId: string, source: string, rows: AsyncIterable<StagedRow[]>): Promise<number>;
  quarantined(datasetId: string, limit: number, after?: number): Promise<QuarantinedRow[]>;
  /** Files added to a pipeline between runs; a later one of the same name replaces the earlier. Idempotent. */
  addPipelineFiles(
    pipeline: string,
    files: readonly { name: string; object: ObjectRef }[],
    audit: AuditEntry,
  ): Promise<void>;
  pipelineFiles(pipeline: string): Promise<{ name: string; object: ObjectRef }[]>;
  /** Cache of stage results: key = hash of stage, its version, input hashes, parameters. */
  cachedStage(key: string): Promise<CachedStage | undefined>;
  /** First writer wins; returns the result that stands. */
  rememberStage(stage: NewStage): Promise<unknown>;
  /**
   * What was found when a version was evaluated: by its own run, or, where that reused it, by the one that first made the
   * same files. Undefined where the result was forgotten.
   */
  evaluationResult(made: { readonly runId: string; readonly manifestHash: string }): Promise<unknown>;
}

export interface CachedStage {
  readonly result: unknown;
  /** Workflow run that computed it; null where that was not recorded. */
  readonly runId: string | null;
}

export interface NewStage extends CachedStage {
  readonly key: string;
  readonly stage: string;
}

export interface DatasetEntry {
  readonly id: string;
  readonly manifest: DatasetManifest;
  readonly manifestObject: ObjectRef;
  readonly runId: string;
  readonly counts: Readonly<Record<string, SourceCounts>>;
  readonly perFile: readonly {
    source: string;
    name: string;
    sha256: string;
    read: number;
    accepted: number;
    quarantined: number;
  }[];
  readonly quarantine: readonly QuarantinedRow[]; // first 100 000; the rest is in Parquet
  readonly assets: readonly {
    id: string;
    source: string;
    rows: number;
    firstT: string;
    lastT: string;
    /** Where it is from now on, and whose that is. */
    site?: string;
    customer?: string;
  }[];
  readonly audit: AuditEntry;
}

export interface QuarantinedRow {
  readonly source: string;
  readonly file: string;
  readonly line: number;
  readonly code: string;
  readonly message: string;
  readonly text: string;
}

export interface StagedRow {
  readonly asset: string;
  readonly t: bigint;
  readonly seq: bigint;
  readonly values: readonly (number | null)[];
}
