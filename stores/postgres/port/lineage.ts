import type { PredictionIndexRow } from "./predictions.ts";

/** From any id to what it came from and what came of it. */
export interface LineageStore {
  ofPrediction(id: string): Promise<Lineage | undefined>;
  ofModel(model: string, version: number): Promise<Lineage | undefined>;
  ofDataset(id: string): Promise<Lineage | undefined>;
  /** By SHA-256 of a raw file: datasets, models and number of predictions it touched. */
  ofFile(sha256: string): Promise<Lineage | undefined>;
}

export interface Lineage {
  readonly prediction?: PredictionIndexRow;
  readonly versions: readonly { model: string; version: number; digest: string }[];
  readonly runs: readonly { runId: string; workflowId: string }[];
  readonly approvals: readonly { id: string; state: string; by: readonly string[] }[];
  readonly datasets: readonly string[];
  readonly files: readonly { name: string; sha256: string; key: string }[];
  readonly predictions: number;
}
