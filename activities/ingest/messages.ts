import type { ObjectRef } from "../../schemas/object-ref.ts";

export interface IngestInput {
  readonly runId: string;
  readonly spec: ObjectRef;
  readonly files: ObjectRef;
}

export interface IngestResult {
  /** Dataset id: hash of its manifest. */
  readonly dataset: string;
  readonly manifest: ObjectRef;
  readonly rows: number;
  readonly quarantined: number;
  readonly assets: number;
  readonly isReused: boolean;
}
