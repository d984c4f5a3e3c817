import type { AuditEntry } from "./actor.ts";

export const ALERT_STATES = ["open", "acknowledged", "resolved"] as const;
export type AlertState = (typeof ALERT_STATES)[number];

/** Something a person should look at. */
export interface NewAlert {
  /** Raised once per key: the same occasion told again changes nothing. */
  readonly key: string;
  /** e.g. `drift`, `quarantine`, `serving`. */
  readonly kind: string;
  readonly severity: "info" | "warning" | "critical";
  /** What it is about, as in the audit log: `model/pump`. */
  readonly subject: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface AlertRow extends Required<Omit<NewAlert, "key">> {
  readonly id: number;
  readonly raisedAt: string;
  readonly acknowledgedBy: string | null;
  readonly acknowledgedAt: string | null;
  /** When what it told of was over by itself. */
  readonly resolvedAt: string | null;
}

export interface AlertStore {
  /** One row per key until it is resolved; the same key after that is a new occurrence with a row of its own. */
  raise(alert: NewAlert): Promise<void>;
  /** What was told of a subject is over. */
  resolve(kind: string, subject: string): Promise<void>;
  /** Newest first; without a state all of them. */
  list(filter: {
    state?: AlertState;
    limit: number;
    /** Id of the last alert of the page before. */
    after?: number;
  }): Promise<AlertRow[]>;
  /** Somebody looks at it. The first to say so stays; undefined where there is no such alert. */
  acknowledge(id: number, by: string, audit: AuditEntry): Promise<AlertRow | undefined>;
  /** Open ones by severity. */
  countOpen(): Promise<Readonly<Record<NewAlert["severity"], number>>>;
}
