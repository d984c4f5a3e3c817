import type { ObjectRef } from "../../../schemas/object-ref.ts";
import type { AuditEntry } from "./actor.ts";

/**
 * What goes away by itself: replies kept for repeated requests, and datasets past the retention that their pipeline file
 * declares.
 *
 * A dataset is needed, and stays whatever its retention says, while a model version was trained on it or registered by a
 * run over it, while a frozen holdout was cut from it, or while a run of its pipeline is open.
 */
export interface RetentionStore {
  /** Forgets replies given before `before` (ISO 8601), oldest first. @returns how many, at most `limit` */
  expireReplies(before: string, limit: number): Promise<number>;
  /**
   * Forgets alerts that were over before `before` (ISO 8601) with their events and deliveries, oldest first. One stays that a
   * channel is still to be told of, or its workflow.
   *
   * @returns how many, at most `limit`
   */
  expireAlerts(before: string, limit: number): Promise<number>;
  /** Datasets past their retention, oldest first. */
  expired(limit: number): Promise<ExpiredDataset[]>;
  /** Manifests of the feature sets that were made of datasets: of one, or of all but one. */
  featureSets(of: { readonly dataset: string; readonly isOthers?: boolean }): Promise<ObjectRef[]>;
  /**
   * Removes the rows of one dataset and queues its objects, in one transaction.
   * @param objectKeys  what the feature sets hold besides; the dataset's own are known
   * @returns false, with no effect, when it is gone, within its retention, or needed
   */
  removeDataset(id: string, objectKeys: readonly string[], audit: AuditEntry): Promise<boolean>;
  /**
   * Deletes queued objects that nothing needs, and that nobody has put or named for a day: what a run or a fleet score
   * that goes on has put is in no table yet. Those that something needs again leave the queue.
   *
   * @param remove  deletes one; called while its row is locked, so that `useObjects` waits for it
   * @returns how many were deleted, at most `limit`
   */
  removeObjects(limit: number, remove: (key: string) => Promise<void>): Promise<number>;
  /** Somebody is about to put or read these keys: what is queued of them stays for another day. Call it first. */
  useObjects(keys: readonly string[]): Promise<void>;
}

export interface ExpiredDataset {
  readonly id: string;
  readonly pipeline: string;
  readonly owner: string;
  /** As the pipeline file says it, e.g. `90d`. */
  readonly retention: string;
  readonly rows: number;
  readonly createdAt: string;
  /** What keeps it: model versions as `name@version`, `holdout of name`, `open run`; empty: it can be removed. */
  readonly neededBy: readonly string[];
}
