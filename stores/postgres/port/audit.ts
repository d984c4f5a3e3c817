import type { AuditEntry } from "./actor.ts";

/** Head of the audit chain at one time; kept outside the database it shows a lost tail. */
export interface AuditAnchor {
  /** Number of sealed rows. */
  readonly position: number;
  /** Hash of the row at `position`, hex. */
  readonly head: string;
}

export interface AuditStore {
  append(entry: AuditEntry): Promise<void>;
  /** Newest first; `after` is the `seq` of the last row of the page before. */
  list(filter: {
    subject?: string;
    limit: number;
    after?: number;
  }): Promise<(AuditEntry & { seq: number; at: string })[]>;
  /** Chains unsealed rows (hash of row and previous hash) and anchors the head; called each second by one sealer. */
  seal(): Promise<number>;
  /**
   * Walks the whole chain. `firstBad` is the `seq` of the first row that is edited, missing, or unaccounted for.
   * @param expected  the newest anchor kept outside the database; without it only the anchors inside are compared
   */
  verify(
    expected?: AuditAnchor,
  ): Promise<{ ok: boolean; rows: number; unsealed: number; firstBad?: number; head: string }>;
}
