import type { CodeVersion } from "../../../schemas/code-version.ts";
import type { Evaluation, GateResult, VersionManifest } from "../../../schemas/models/model-version.ts";
import type { ObjectRef } from "../../../schemas/object-ref.ts";
import type { AuditEntry } from "./actor.ts";

export interface VersionRow {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly manifest: VersionManifest;
  readonly evaluation: Evaluation;
  readonly gates: readonly GateResult[];
  readonly dataset: string;
  readonly runId: string;
  readonly stage: "candidate" | "staging" | "production" | "archived";
  readonly aliases: readonly string[];
  readonly createdAt: string;
  /** Threshold that people set since the version was trained; absent: its own. */
  readonly threshold?: number;
  /** Code that made it; null where that was not recorded. */
  readonly code: CodeVersion | null;
}

export interface NewVersion extends Omit<
  VersionRow,
  "version" | "stage" | "aliases" | "createdAt" | "gates" | "threshold" | "code"
> {
  readonly code?: CodeVersion;
  /** Split whose held-out rows it was evaluated on; `hash` names those rows. */
  readonly holdout?: { readonly hash: string; readonly object: ObjectRef };
}

export interface AliasEvent {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
  readonly digest: string;
  readonly previousVersion: number | null;
  readonly at: string;
  readonly actor: string;
  readonly reason: string;
  readonly approvalId: string | null;
}

/** A threshold that a person set. */
export interface ThresholdEvent {
  readonly model: string;
  readonly version: number;
  readonly threshold: number;
  /** What it was chosen by, and what it would have done. */
  readonly basis: Readonly<Record<string, unknown>>;
  readonly at: string;
  readonly actor: string;
  readonly reason: string;
}

export interface Registry {
  /**
   * Idempotent on (model, runId) and on digest; gives integer versions unique per model. The version's holdout is
   * stored with it, and frozen as the model's own where the model has none yet. Another run of the same digest has its
   * evaluation count from now on: by which metric it is judged may differ.
   */
  register(v: NewVersion, audit: AuditEntry): Promise<VersionRow>;
  /** The newest check counts, of a champion too: what it was promoted on stands in its approval. @throws PlatformError not_found */
  setGates(model: string, version: number, gates: readonly GateResult[]): Promise<void>;
  version(model: string, version: number): Promise<VersionRow | undefined>;
  byDigest(model: string, digest: string): Promise<VersionRow | undefined>;
  versions(model: string): Promise<VersionRow[]>;
  models(): Promise<{ model: string; versions: number; champion: number | null }[]>;
  champion(model: string, at?: string): Promise<(VersionRow & { event: AliasEvent }) | undefined>;
  champions(): Promise<VersionRow[]>;
  history(model: string): Promise<AliasEvent[]>;
  /**
   * Moves the champion alias in one transaction: alias event (prev = current champion), stages, audit row,
   * NOTIFY aura_alias; the version's holdout becomes the model's frozen one. Idempotent on `requestId`: the same id returns the first event.
   * @throws PlatformError already_decided when the approval was used for another digest or not approved;
   *   gate_refused when `approvalId` is null and exactly this version never was champion; conflict when the champion
   *   is another one than that of the approval's evidence
   */
  promote(
    p: {
      model: string;
      version: number;
      digest: string;
      requestId: string;
      approvalId: string | null;
      reason: string;
    },
    audit: AuditEntry,
  ): Promise<AliasEvent>;
  /**
   * Sets the threshold of a version: event, audit row and NOTIFY aura_alias in one transaction. Setting what holds
   * already writes nothing and returns the event that did.
   * @throws PlatformError not_found
   */
  setThreshold(
    change: Pick<ThresholdEvent, "model" | "version" | "threshold" | "basis" | "reason">,
    audit: AuditEntry,
  ): Promise<ThresholdEvent>;
  /** Newest first. */
  thresholdEvents(model: string, version: number): Promise<ThresholdEvent[]>;
  /** Calls back with the model name on NOTIFY aura_alias; returns an unsubscribe. Reconnects by itself. */
  onAliasChange(listener: (model: string) => void): Promise<() => Promise<void>>;
  /** Split on whose held-out rows a version was evaluated; undefined where that was not recorded. */
  versionHoldout(model: string, version: number): Promise<{ hash: string; object: ObjectRef } | undefined>;
  /** Frozen holdout of a model: latest revision, or undefined. Written by `register` and `promote`. */
  holdout(
    model: string,
  ): Promise<{ hash: string; object: ObjectRef; dataset: string; revision: number } | undefined>;
}
