import type { ErrorCode } from "../../../schemas/error-codes.ts";
import type { LabelKind, LabelState, NewLabel } from "../../../schemas/serving/observed-label.ts";
import type { AuditEntry } from "./actor.ts";
import type { PredictionWindow } from "./predictions.ts";

export type { NewLabel };

/**
 * What turned out to be true of assets and predictions.
 *
 * Of one subject (an asset at a time, or a prediction) one label counts: the first. Another one that says otherwise is kept as
 * `conflicting`, counts for nothing and is listed, until somebody corrects the first with `supersedes` or withdraws one. The
 * first wins and not the last, so that what was reported of a version does not change by itself. Nothing is deleted.
 */
export interface LabelStore {
  /**
   * Keeps labels, each for itself: one that cannot be kept holds up no other. Idempotent on their ids. A caller who is limited to
   * sites may label assets there alone. The audit row has the counts; without a change there is none.
   *
   * @returns one outcome per label, in order
   */
  add(labels: readonly NewLabel[], audit: AuditEntry): Promise<LabelOutcome[]>;
  /**
   * The label counts no more.
   * @throws {PlatformError} not_found; conflict: it is superseded or withdrawn already
   */
  withdraw(id: string, audit: AuditEntry): Promise<LabelRow>;
  /** Newest first; `after` is the `seq` of the last one seen. */
  list(filter: LabelFilter & { readonly limit: number; readonly after?: number }): Promise<LabelRow[]>;
  /** Those of the assets that are neither registered nor were ever answered for. */
  unknownAssets(assets: readonly string[]): Promise<string[]>;
  /** How many labels that count were stored since then, by kind. */
  counts(since: string): Promise<{ kind: LabelKind; n: number }[]>;
  /** Failures that count, of these assets and times; a page follows the `seq` of the last one of the page before. */
  failuresOf(filter: FailureFilter): Promise<ReportedFailure[]>;
  /** Labels that count of all assets that the version answered for in the window, of each asset in order of time. */
  ofAssets(window: PredictionWindow & { readonly timeKind: "timestamp" | "cycle" }): Promise<AssetLabel[]>;
  /**
   * When each of these assets was last seen by a live source of timestamps, not after `lastSeen`, as labels of the kind
   * event_free would say it.
   */
  sightings(
    window: PredictionWindow & { readonly source: string; readonly lastSeen: string },
  ): Promise<AssetLabel[]>;
  /** Labels that count of the predictions in the window. */
  ofPredictions(window: PredictionWindow): Promise<PredictionLabel[]>;
}

export interface LabelFilter {
  readonly id?: string;
  readonly asset?: string;
  readonly kind?: LabelKind;
  readonly state?: LabelState;
  readonly source?: string;
  /** Only of assets that are at these sites now. */
  readonly sites?: readonly string[];
}

export interface FailureFilter {
  readonly assets: readonly string[];
  readonly timeKind: "timestamp" | "cycle";
  /** Not later, in the unit of `t`. Default: all. */
  readonly until?: number;
  readonly limit: number;
  readonly after?: number;
}

export interface ReportedFailure {
  readonly seq: number;
  readonly asset: string;
  readonly t: number;
}

export interface LabelRow extends NewLabel {
  readonly seq: number;
  readonly state: LabelState;
  /** Of a conflicting one: the label that stands; of a superseded one: its correction. */
  readonly besides: string | null;
  readonly actor: string;
  readonly createdAt: string;
}

/** `known`: it was there, under this id or with the same content under that of `id`. */
export type LabelOutcome =
  | { readonly outcome: "added" | "known"; readonly id: string }
  | { readonly outcome: "conflicting"; readonly id: string; readonly standing: string }
  | { readonly outcome: "refused"; readonly id: string; readonly code: ErrorCode; readonly reason: string };

export interface AssetLabel {
  readonly kind: LabelKind;
  readonly asset: string;
  readonly t: number;
  readonly column: string | null;
  readonly value: string | number | null;
}

export interface PredictionLabel {
  readonly predictionId: string;
  readonly kind: LabelKind;
  readonly column: string | null;
  readonly value: string | number | null;
}
