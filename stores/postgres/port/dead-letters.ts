import type { AuditEntry } from "./actor.ts";

export const LETTER_STATES = ["open", "replayed", "dropped"] as const;
export type LetterState = (typeof LETTER_STATES)[number];

/** A reading that could not be stored as it was. */
export interface DeadLetterRow {
  readonly id: number;
  readonly source: string;
  readonly adapter: string;
  readonly code: string;
  readonly message: string;
  readonly asset: string | null;
  /** As it was sent, as JSON. */
  readonly body: string;
  readonly state: LetterState;
  readonly receivedAt: string;
  readonly settledAt: string | null;
  readonly settledBy: string | null;
}

export interface LetterFilter {
  readonly source?: string;
  readonly code?: string;
  readonly state?: LetterState;
  /** Id of the last one of the page before; they come newest first. */
  readonly after?: number;
  readonly limit: number;
}

export interface DeadLetterStore {
  list(filter: LetterFilter): Promise<DeadLetterRow[]>;
  get(id: number): Promise<DeadLetterRow | undefined>;
  /** Open letters by source and code. */
  countOpen(): Promise<{ source: string; code: string; n: number }[]>;
  /** Settles those that are open. @returns how many were */
  settle(ids: readonly number[], state: Exclude<LetterState, "open">, audit: AuditEntry): Promise<number>;
}
