import type { IntakeCounts } from "../../../schemas/live/intake.ts";
import type { ObjectRef } from "../../../schemas/object-ref.ts";
import type { AuditEntry } from "./actor.ts";

export const UPLOAD_STATES = ["waiting", "received", "done", "failed"] as const;
export type UploadState = (typeof UPLOAD_STATES)[number];

/** Permission to upload one file of readings, and what became of it. */
export interface ReadingUploadRow {
  readonly id: string;
  readonly source: string;
  readonly fileName: string;
  readonly maxBytes: number;
  readonly expiresAt: string;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly state: UploadState;
  readonly object: ObjectRef | null;
  /** Rows of the file that are through. */
  readonly rows: number;
  /** Sums over those rows; empty before the first. */
  readonly counts: Partial<IntakeCounts>;
  readonly message: string | null;
  readonly endedAt: string | null;
}

export interface NewReadingUpload {
  readonly id: string;
  readonly secretSha256: string;
  readonly sourceKey: number;
  readonly fileName: string;
  readonly maxBytes: number;
  readonly expiresAt: string;
}

export interface ReadingUploadStore {
  create(upload: NewReadingUpload, audit: AuditEntry): Promise<ReadingUploadRow>;
  bySecret(secretSha256: string): Promise<ReadingUploadRow | undefined>;
  get(id: string): Promise<ReadingUploadRow | undefined>;
  list(page: { readonly limit: number }): Promise<ReadingUploadRow[]>;
  /** @throws {PlatformError} conflict: another file came with this ticket */
  received(id: string, object: ObjectRef): Promise<ReadingUploadRow>;
  /** How far the file is through; kept so that another attempt goes on there. */
  progress(id: string, rows: number, counts: IntakeCounts): Promise<void>;
  end(id: string, state: "done" | "failed", message: string | null): Promise<void>;
}
