import type { DatasetManifest, SourceCounts } from "../../schemas/dataset.ts";
import type { ErrorCode } from "../../schemas/error-codes.ts";
import type { Evaluation, GateResult, MetricSet, VersionManifest } from "../../schemas/model-version.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { ApprovalPolicy } from "../../schemas/pipeline/training.ts";
import type { RunOutcome, RunView, StageState } from "../../schemas/run.ts";

/** Who does something; `authenticated` is false where the server runs without keys. */
export interface Actor {
  /** The person: with keys the owner of the key. */
  readonly id: string;
  /** The key that was used; audit rows keep it as `details.key`. */
  readonly keyId?: string;
  readonly role: "viewer" | "operator" | "approver" | "admin" | "system";
  readonly authenticated: boolean;
  /** Sites the key may see; undefined = all. */
  readonly sites?: readonly string[];
}

/** What every state-changing call writes beside its effect, in the same transaction. */
export interface AuditEntry {
  readonly actor: Actor;
  readonly action: string;
  readonly subject: string;
  readonly outcome: "ok" | "refused";
  readonly reason?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** A second entry with the same key is not written: for what is tried again. Not read back. */
  readonly key?: string;
}

export interface RunStore {
  /** Idempotent on runId: a second call with the same workflow id returns the first row unchanged. */
  create(run: NewRun): Promise<void>;
  setStage(runId: string, stage: StageState): Promise<void>;
  /** Sets any of dataset, version, digest, approvalId, metrics, evaluation, gates. */
  update(runId: string, patch: RunPatch): Promise<void>;
  finish(runId: string, end: RunEnd, audit: AuditEntry): Promise<void>;
  get(runId: string): Promise<RunView | undefined>;
  list(filter: { pipeline?: string; model?: string; limit: number; before?: string }): Promise<RunView[]>;
  /** Pipeline text and raw files a run was started with; used by retraining and scoring. */
  inputOf(
    runId: string,
  ): Promise<{ pipeline: string; files: { name: string; object: ObjectRef }[] } | undefined>;
  /** Latest finished-and-promoted run of a model. */
  latestPromoted(model: string): Promise<RunView | undefined>;
}
export interface NewRun {
  readonly runId: string;
  readonly workflowId: string;
  readonly pipeline: string;
  readonly model: string;
  readonly pipelineText: string;
  readonly specHash: string;
  readonly files: readonly { name: string; object: ObjectRef }[];
  readonly requestedBy: string;
  readonly requesterAuthenticated: boolean;
  readonly scheduleKey?: string;
}
export type RunPatch = Partial<
  Pick<RunView, "dataset" | "version" | "digest" | "approvalId" | "metrics" | "evaluation" | "gates">
> & { readonly waiting?: boolean };
export type RunEnd =
  | { readonly status: "finished"; readonly outcome: RunOutcome }
  | {
      readonly status: "failed" | "cancelled";
      readonly error: { code: ErrorCode | "internal"; message: string };
    };

export interface DatasetStore {
  /** Registers dataset, batch ledger rows (one per raw file), assets, labels counts, in one transaction; idempotent on id. */
  register(entry: DatasetEntry): Promise<void>;
  get(
    datasetId: string,
  ): Promise<{ manifest: DatasetManifest; owner: string; retention: string; createdAt: string } | undefined>;
  list(
    limit: number,
  ): Promise<{ id: string; pipeline: string; owner: string; rows: number; createdAt: string }[]>;
  /** Replaces staged rows of (dataset, source) through COPY; bounded by the caller. Idempotent. */
  stageRows(datasetId: string, source: string, rows: AsyncIterable<StagedRow[]>): Promise<number>;
  quarantined(datasetId: string, limit: number, after?: number): Promise<QuarantinedRow[]>;
  /** Files added to a pipeline between runs; a later one of the same name replaces the earlier. Idempotent. */
  addPipelineFiles(
    pipeline: string,
    files: readonly { name: string; object: ObjectRef }[],
    audit: AuditEntry,
  ): Promise<void>;
  pipelineFiles(pipeline: string): Promise<{ name: string; object: ObjectRef }[]>;
  /** Cache of stage results: key = hash of stage, its version, input hashes, parameters. First writer wins and is returned. */
  cachedStage(key: string): Promise<unknown>;
  rememberStage(key: string, stage: string, result: unknown): Promise<unknown>;
}
export interface DatasetEntry {
  readonly id: string;
  readonly manifest: DatasetManifest;
  readonly manifestObject: ObjectRef;
  readonly runId: string;
  readonly counts: Readonly<Record<string, SourceCounts>>;
  readonly perFile: readonly {
    source: string;
    name: string;
    sha256: string;
    read: number;
    accepted: number;
    quarantined: number;
  }[];
  readonly quarantine: readonly QuarantinedRow[]; // first 100 000; the rest is in Parquet
  readonly assets: readonly { id: string; source: string; rows: number; firstT: string; lastT: string }[];
  readonly audit: AuditEntry;
}
export interface QuarantinedRow {
  readonly source: string;
  readonly file: string;
  readonly line: number;
  readonly code: string;
  readonly message: string;
  readonly text: string;
}
export interface StagedRow {
  readonly asset: string;
  readonly t: bigint;
  readonly seq: bigint;
  readonly values: readonly (number | null)[];
}

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
}
export interface NewVersion extends Omit<
  VersionRow,
  "version" | "stage" | "aliases" | "createdAt" | "gates"
> {
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
export interface Registry {
  /**
   * Idempotent on (model, runId) and on digest; gives integer versions unique per model. The version's holdout is
   * stored with it, and frozen as the model's own where the model has none yet.
   */
  register(v: NewVersion, audit: AuditEntry): Promise<VersionRow>;
  /** No effect on a version that is or was champion. @throws PlatformError not_found */
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
   * outbox row, NOTIFY aura_alias; the version's holdout becomes the model's frozen one. Idempotent on `requestId`: the same id returns the first event.
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
  /** Calls back with the model name on NOTIFY aura_alias; returns an unsubscribe. Reconnects by itself. */
  onAliasChange(listener: (model: string) => void): Promise<() => Promise<void>>;
  /** Frozen holdout of a model: latest revision, or undefined. Written by `register` and `promote`. */
  holdout(
    model: string,
  ): Promise<{ hash: string; object: ObjectRef; dataset: string; revision: number } | undefined>;
}

export interface ApprovalRow {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly digest: string;
  readonly model: string;
  readonly version: number;
  readonly workflowId: string;
  readonly requestedBy: string;
  readonly requesterAuthenticated: boolean;
  readonly policy: ApprovalPolicy;
  /** What the approver looks at: metrics, gates, champion comparison. */
  readonly evidence: unknown;
  readonly state: "waiting" | "approved" | "rejected" | "expired";
  readonly deadline: string;
  readonly decisions: readonly DecisionRow[];
  readonly createdAt: string;
  readonly decidedAt: string | null;
}
export interface DecisionRow {
  readonly decisionId: string;
  readonly decision: "approve" | "reject";
  readonly by: string;
  readonly authenticated: boolean;
  readonly channel: "api" | "cli" | "signal" | "console";
  readonly reason: string;
  readonly at: string;
  /** Set by the store: the requester's own decision, which counts without keys only. */
  readonly selfApproved?: boolean;
}
export interface ApprovalStore {
  /** Idempotent on id. */
  open(
    a: Omit<ApprovalRow, "state" | "decisions" | "createdAt" | "decidedAt">,
    audit: AuditEntry,
  ): Promise<ApprovalRow>;
  get(id: string): Promise<ApprovalRow | undefined>;
  list(filter: { state?: ApprovalRow["state"]; limit: number }): Promise<ApprovalRow[]>;
  /**
   * Records one decision. The same decisionId with the same content returns the first answer; a second decision
   * by the same person, a decision after the end or after the deadline, or with another digest throws `already_decided`;
   * the requester deciding with keys on throws `self_approval`, and without keys is recorded as `selfApproved`; one outside `approvers` throws `forbidden`.
   * First reject ends it; approvals end it at the quorum.
   */
  decide(
    id: string,
    digest: string,
    decision: Omit<DecisionRow, "at">,
    audit: AuditEntry,
  ): Promise<ApprovalRow>;
  /** Adds people who may decide and moves the deadline of a waiting approval, once: a second call changes nothing. */
  escalate(
    id: string,
    to: { approvers: readonly string[]; deadline: string },
    audit: AuditEntry,
  ): Promise<void>;
  /** Closes a waiting approval at its deadline (expired or rejected); no effect once decided. */
  close(id: string, state: "expired" | "rejected", audit: AuditEntry): Promise<ApprovalRow>;
}

export interface KeyRow {
  readonly id: string;
  readonly name: string;
  /** The person it belongs to, as approval policies name them; several keys may have one owner. */
  readonly owner: string;
  readonly role: "viewer" | "operator" | "approver" | "admin";
  readonly sites: readonly string[] | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}
export interface NewKey {
  readonly name: string;
  /** Default: the name. */
  readonly owner?: string;
  readonly role: KeyRow["role"];
  readonly sites?: readonly string[];
  readonly expiresAt?: string;
  readonly secret?: string;
}
export interface KeyStore {
  /** Whether any key was ever created: then every request needs one. */
  isEnabled(): Promise<boolean>;
  /** Returns the secret once; only its SHA-256 is stored. */
  create(k: NewKey, audit: AuditEntry): Promise<{ key: KeyRow; secret: string }>;
  verify(secret: string): Promise<KeyRow | undefined>;
  list(): Promise<KeyRow[]>;
  revoke(id: string, audit: AuditEntry): Promise<void>;
}

/** Where a trace sits in the spool or in `logs/predictions/`; the Arrow row is the truth. */
export interface PredictionIndexRow {
  readonly predictionId: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly asset: string | null;
  readonly at: string;
  readonly actor: string;
  readonly segment: string;
  readonly offset: number;
  /** Headline output: RUL, probability or class index. */
  readonly value: number;
  readonly requestId: string;
}
export interface PredictionStore {
  /** Idempotent on predictionId. */
  index(rows: readonly PredictionIndexRow[]): Promise<void>;
  shipped(segment: string, object: ObjectRef): Promise<void>;
  get(predictionId: string): Promise<(PredictionIndexRow & { object: ObjectRef | null }) | undefined>;
  list(filter: {
    model?: string;
    asset?: string;
    since?: string;
    limit: number;
    after?: string;
  }): Promise<PredictionIndexRow[]>;
  segments(model: string, since: string): Promise<{ segment: string; object: ObjectRef; rows: number }[]>;
}

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

export interface DriftStore {
  put(report: DriftReportRow, audit: AuditEntry): Promise<void>;
  list(model: string, limit: number): Promise<DriftReportRow[]>;
}
export interface DriftReportRow {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly windowStart: string;
  readonly windowEnd: string;
  readonly state: "ok" | "drift" | "insufficient_data";
  readonly confirmed: boolean;
  readonly rows: number;
  readonly report: unknown;
}

export interface ScoreStore {
  /** Fleet scores: one row per asset of a score job; idempotent on job id. */
  put(
    job: { id: string; model: string; version: number; digest: string; dataset: string; object: ObjectRef },
    rows: readonly { asset: string; rank: number; value: number; at: string }[],
  ): Promise<void>;
  get(id: string): Promise<
    | {
        id: string;
        model: string;
        version: number;
        digest: string;
        dataset: string;
        rows: { asset: string; rank: number; value: number; at: string }[];
      }
    | undefined
  >;
}

export interface IdempotencyStore {
  /** Runs `work` once per (actor, route, key); a repeat with the same body hash returns the stored reply. */
  once<T>(
    k: { actor: string; route: string; key: string; bodyHash: string },
    work: () => Promise<{ status: number; body: T }>,
  ): Promise<{ status: number; body: T; replayed: boolean }>;
}

/** From any id to what it came from and what came of it. */
export interface LineageStore {
  ofPrediction(id: string): Promise<Lineage | undefined>;
  ofModel(model: string, version: number): Promise<Lineage | undefined>;
  ofDataset(id: string): Promise<Lineage | undefined>;
  /** By SHA-256 of a raw file: datasets, models and number of predictions it touched. */
  ofFile(sha256: string): Promise<Lineage | undefined>;
}
export interface Lineage {
  readonly prediction?: PredictionIndexRow;
  readonly versions: readonly { model: string; version: number; digest: string }[];
  readonly runs: readonly { runId: string; workflowId: string }[];
  readonly approvals: readonly { id: string; state: string; by: readonly string[] }[];
  readonly datasets: readonly string[];
  readonly files: readonly { name: string; sha256: string; key: string }[];
  readonly predictions: number;
}

/** Truth about one asset at one time: remaining life, failure within the horizon (0, 1), or class index. */
export interface LabelRow {
  readonly asset: string;
  /** `__t` of the reading. */
  readonly t: bigint;
  readonly kind: "failure" | "rul" | "class";
  readonly value: number;
}
export interface FeatureSetRow {
  /** Stored FeatureSetManifest; its hash is the id of the set. */
  readonly object: ObjectRef;
  readonly dataset: string;
  readonly view: string;
  readonly fitted: string;
  readonly rows: number;
  readonly assets: number;
}
export interface LatestFeatures {
  readonly asset: string;
  readonly t: bigint;
  /** In the order of the view; null = missing. */
  readonly values: readonly (number | null)[];
}
export interface FeatureStore {
  /**
   * Idempotent; the caller bounds the number of rows.
   * @param of `view` is the hash of the feature view, which holds the label's horizon and cap
   */
  putLabels(
    of: { readonly dataset: string; readonly view: string },
    rows: AsyncIterable<LabelRow[]>,
  ): Promise<number>;
  /** Registers a feature set and the newest features of its assets. Idempotent. */
  putFeatureSet(set: FeatureSetRow, latest: AsyncIterable<LatestFeatures[]>): Promise<void>;
}

/** Everything in PostgreSQL, over one pool. */
export interface Database {
  readonly runs: RunStore;
  readonly datasets: DatasetStore;
  readonly registry: Registry;
  readonly approvals: ApprovalStore;
  readonly keys: KeyStore;
  readonly predictions: PredictionStore;
  readonly audit: AuditStore;
  readonly drift: DriftStore;
  readonly scores: ScoreStore;
  readonly idempotency: IdempotencyStore;
  readonly lineage: LineageStore;
  readonly features: FeatureStore;
  probe(): Promise<void>;
  close(): Promise<void>;
}
export type { MetricSet };
