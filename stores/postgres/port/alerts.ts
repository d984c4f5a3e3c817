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

/** `raised`: nobody has said that they look at it; `cleared`: it is over. */
export type AlertPhase = "raised" | "acknowledged" | "cleared";

export interface AlertRow extends Required<Omit<NewAlert, "key">> {
  readonly id: number;
  readonly state: AlertPhase;
  /** Rule and asset of an alert that a rule raised. */
  readonly rule: string | null;
  readonly asset: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly raisedAt: string;
  readonly acknowledgedBy: string | null;
  readonly acknowledgedAt: string | null;
  /** What was said when it was acknowledged. */
  readonly comment: string | null;
  /** When what it told of was over by itself. */
  readonly resolvedAt: string | null;
}

export interface AlertFilter {
  readonly state?: AlertState;
  readonly asset?: string;
  readonly rule?: string;
  readonly severity?: NewAlert["severity"];
  readonly limit: number;
  /** Id of the last alert of the page before. */
  readonly after?: number;
}

export interface AlertStore {
  /** One row per key until it is resolved; the same key after that is a new occurrence with a row of its own. */
  raise(alert: NewAlert): Promise<void>;
  /** What was told of a subject is over. */
  resolve(kind: string, subject: string): Promise<void>;
  /** Newest first; without a state all of them. */
  list(filter: AlertFilter): Promise<AlertRow[]>;
  get(id: number): Promise<AlertRow | undefined>;
  /** Somebody looks at it. The first to say so stays; undefined where there is no such alert. */
  acknowledge(
    id: number,
    by: { readonly name: string; readonly comment?: string },
    audit: AuditEntry,
  ): Promise<AlertRow | undefined>;
  /** A person says that it is over; undefined where there is no such alert. A rule that still holds raises another one. */
  clear(id: number, audit: AuditEntry): Promise<AlertRow | undefined>;
  /**
   * Notes that people are told again. Nothing happens where it is not open any more.
   *
   * @param nth which time it is: told once each
   * @returns id of the event
   */
  remind(id: number, kind: "reminded" | "escalated", nth: number): Promise<number | undefined>;
  /** Open ones that rules raised, newest first. */
  openOfRules(limit: number): Promise<Pick<AlertRow, "rule" | "asset" | "severity">[]>;
  /** Open ones by severity. */
  countOpen(): Promise<Readonly<Record<NewAlert["severity"], number>>>;
}
