import type { Severity } from "../../../schemas/alerts/alert-rule.ts";
import type { AlertRow } from "./alerts.ts";
import type { FollowPosition } from "./online.ts";

/** What the evaluator was given to go on from. */
export interface EvaluationLease {
  readonly position: FollowPosition;
  /** Changes whenever rules or states were changed by somebody else. */
  readonly revision: number;
  /** ms since 1970 by the database's clock: since when somebody has looked without a pause. */
  readonly listeningSince: number;
  /** ms since 1970 by the database's clock. */
  readonly now: number;
}

/** The newest place of an asset in a stream that was looked at. */
export interface StreamPlace {
  /** `source/<name>` or `model/<name>`. */
  readonly stream: string;
  readonly asset: string;
  readonly epoch: number;
  readonly ts: number;
  readonly seq: number;
  /** Of what scored it; 0: it is a reading. */
  readonly version: number;
  /** ms since 1970 of its commit. */
  readonly heardAt: number;
}

/** The stored state of a rule for an asset; null: quiet, which is not kept. */
export interface StoredAlarm<S = unknown> {
  readonly rule: string;
  readonly asset: string;
  readonly state: S | null;
}

/** What became of a rule for an asset. */
export interface AlarmEvent {
  readonly change: "pending" | "withdrawn" | "raised" | "cleared";
  readonly rule: string;
  readonly asset: string;
  readonly severity: Severity;
  readonly labels: Readonly<Record<string, string>>;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Everything that came of one step, in the order it came. */
export interface EvaluationStep {
  readonly owner: string;
  readonly ttlMs: number;
  /** What it started from. */
  readonly from: Pick<EvaluationLease, "position" | "revision">;
  readonly position: FollowPosition;
  readonly places: readonly StreamPlace[];
  readonly states: readonly StoredAlarm[];
  readonly events: readonly AlarmEvent[];
  /** Rules that looked, and when. */
  readonly scans: readonly { readonly rule: string; readonly at: number }[];
}

/** Assets that a source has had readings of. */
export interface KnownAsset {
  readonly source: string;
  readonly asset: string;
  readonly assetClass: string | null;
}

/** What a last will said for an asset that was not heard of since. */
export interface Farewell {
  readonly source: string;
  readonly asset: string;
  /** ms since 1970. */
  readonly since: number;
  readonly reason: string;
}

/** Newest values of one series, oldest first. */
export interface RecentValues {
  readonly asset: string;
  readonly series: string;
  /** ms since 1970 of the newest. */
  readonly at: number;
  readonly values: readonly number[];
}

/** The latest number of a model for an asset. */
export interface RecentScore {
  readonly model: string;
  readonly asset: string;
  readonly assetClass: string | null;
  readonly version: number;
  readonly predictionId: string;
  readonly headline: number;
  readonly epoch: number;
  readonly ts: number;
  readonly seq: number;
  /** ms since 1970 of the reading's commit. */
  readonly receivedAt: number;
}

/** Scores as one snapshot has them. */
export interface RecentScores {
  readonly scores: readonly RecentScore[];
  /** From where to ask next: what was being written has this transaction id or a higher one. */
  readonly from: string;
}

/** State that alert rules are evaluated on. One process evaluates at a time, and another when that one is gone. */
export interface AlertEvaluationStore {
  /**
   * Takes or keeps the evaluation. A pause of more than `pauseMs` since somebody looked is one in which silence does not count.
   *
   * @returns undefined while somebody else has it
   */
  claim(
    owner: string,
    times: { readonly ttlMs: number; readonly pauseMs: number },
  ): Promise<EvaluationLease | undefined>;
  release(owner: string): Promise<void>;
  load(): Promise<{ readonly states: readonly StoredAlarm[]; readonly places: readonly StreamPlace[] }>;
  phaseOf(rule: string, asset: string): Promise<"quiet" | "pending" | "raised">;
  /** Rules' last looks, ms since 1970. */
  scans(): Promise<ReadonlyMap<string, number>>;
  assets(sources: readonly string[]): Promise<readonly KnownAsset[]>;
  /** Assets of sources that are marked as gone. */
  farewells(sources: readonly string[]): Promise<readonly Farewell[]>;
  /**
   * Writes a step whole, or nothing of it.
   *
   * @returns false where the evaluation has gone on or was changed meanwhile: what was computed is void
   */
  commit(step: EvaluationStep): Promise<boolean>;
  /** Newest values of columns of some assets of a source since a moment, at most `limit` readings of each. */
  recentValues(request: {
    readonly source: string;
    readonly assets: readonly string[];
    readonly columns: readonly { readonly name: string; readonly place: number }[];
    /** Absent: of the whole present life, where time is a cycle. */
    readonly sinceMs?: number;
    readonly limit: number;
  }): Promise<readonly RecentValues[]>;
  /**
   * Latest scores that a transaction of `from` on has written, however long ago they were made. Asked with what it said last it
   * passes none over; some come again.
   *
   * @param from "0": all
   */
  recentScores(models: readonly string[], from: string): Promise<RecentScores>;
  recentSamples(metrics: readonly string[], sinceMs: number): Promise<readonly RecentValues[]>;
  putSample(metric: string, process: string, value: number): Promise<void>;
}

export const ALERT_EVENT_KINDS = [
  "pending",
  "withdrawn",
  "raised",
  "acknowledged",
  "cleared",
  "reminded",
  "escalated",
] as const;
export type AlertEventKind = (typeof ALERT_EVENT_KINDS)[number];

/** Something that happened to an alert; its id is a cursor. */
export interface AlertEventRow {
  readonly id: number;
  readonly at: string;
  readonly kind: AlertEventKind;
  readonly rule: string | null;
  readonly asset: string | null;
  readonly alarmKey: string;
  /** As it was then; null while only pending. */
  readonly alert: AlertRow | null;
}

/** What happened to alerts, in order. */
export interface AlertEventStore {
  /** Id of the newest; 0 where there is none. */
  latest(): Promise<number>;
  since(after: number, limit: number): Promise<AlertEventRow[]>;
  /** Calls back after something happened. Returns an unsubscribe. */
  onEvents(listener: () => void): Promise<() => Promise<void>>;
  /** Removes what was only pending a week ago, and given to its workflow. */
  prune(): Promise<void>;
  /**
   * Gives events that nobody was given yet to `give`, in order, and remembers that. One process at a time; an event is given
   * again where it ends in between.
   *
   * @returns whether there may be more at once
   */
  dispatch(limit: number, give: (events: readonly AlertEventRow[]) => Promise<void>): Promise<boolean>;
}
