import type { RunStore } from "./port/runs.ts";
import type { DatasetStore } from "./port/datasets.ts";
import type { AlertStore } from "./port/alerts.ts";
import type { AlertChannelStore, AlertRuleStore, AlertSilenceStore } from "./port/alert-rules.ts";
import type { AlertDeliveryStore } from "./port/alert-deliveries.ts";
import type { AlertEvaluationStore, AlertEventStore } from "./port/alerting.ts";
import type { AssetStore } from "./port/assets.ts";
import type { Registry } from "./port/registry.ts";
import type { ApprovalStore } from "./port/approvals.ts";
import type { KeyStore } from "./port/keys.ts";
import type { PerformanceStore } from "./port/performance.ts";
import type { PredictionStore } from "./port/predictions.ts";
import type { AuditStore } from "./port/audit.ts";
import type { DriftStore } from "./port/drift.ts";
import type { ScoreStore } from "./port/scores.ts";
import type { IdempotencyStore } from "./port/idempotency.ts";
import type { LabelStore } from "./port/labels.ts";
import type { LineageStore } from "./port/lineage.ts";
import type { FeatureStore } from "./port/features.ts";
import type { RetentionStore } from "./port/retention.ts";
import type { RetrainStore } from "./port/retrains.ts";
import type { TrialStore } from "./port/trials.ts";
import type { CatalogStore } from "./port/catalog.ts";
import type { DeadLetterStore } from "./port/dead-letters.ts";
import type { DocumentStore } from "./port/documents.ts";
import type { DeviceStore } from "./port/devices.ts";
import type { ReadingUploadStore } from "./port/reading-uploads.ts";
import type { ReadingUpkeepStore } from "./port/reading-upkeep.ts";
import type { FeedStore, StaleAssetStore } from "./port/feeds.ts";
import type { RecommendationStore, WorkOrderStore } from "./port/maintenance.ts";
import type { LiveSourceStore, ReadingStore } from "./port/live.ts";
import type { OnlineStore } from "./port/online.ts";
import type { RolloutStore } from "./port/rollouts.ts";

export type { Actor, AuditEntry } from "./port/actor.ts";
export type { RunStore, NewRun, RunPatch, RunEnd } from "./port/runs.ts";
export type {
  CachedStage,
  DatasetStore,
  DatasetEntry,
  NewStage,
  QuarantinedRow,
  StagedRow,
} from "./port/datasets.ts";
export { ALERT_STATES } from "./port/alerts.ts";
export type { AlertStore, AlertRow, AlertState, NewAlert } from "./port/alerts.ts";
export type { AssetStore, AssetRow } from "./port/assets.ts";
export type { VersionRow, NewVersion, AliasEvent, Registry, ThresholdEvent } from "./port/registry.ts";
export type { ApprovalRow, DecisionRow, ApprovalStore, ListedApproval } from "./port/approvals.ts";
export type { KeyRow, NewKey, KeyStore } from "./port/keys.ts";
export type { PerformanceReportRow, PerformanceStore, PerformanceVerdictRow } from "./port/performance.ts";
export type {
  PredictionIndexRow,
  PredictionStore,
  PredictionWindow,
  VersionPrediction,
} from "./port/predictions.ts";
export type { AuditAnchor, AuditStore } from "./port/audit.ts";
export type { DriftStore, DriftReportRow, DriftVerdictRow } from "./port/drift.ts";
export type { ScoreStore } from "./port/scores.ts";
export type { IdempotencyStore } from "./port/idempotency.ts";
export type { AssetLabel, LabelFilter, LabelOutcome, LabelStore, PredictionLabel } from "./port/labels.ts";
export type { LineagePageRequest, LineageStore, LineageSubject } from "./port/lineage.ts";
export type {
  LabelRow,
  FeatureSetEntry,
  FeatureSetRow,
  LatestFeatures,
  FeatureStore,
} from "./port/features.ts";
export type { RetentionStore, ExpiredDataset } from "./port/retention.ts";
export type { Refused, RetrainAnswer, RetrainEnd, RetrainRequest, RetrainStore } from "./port/retrains.ts";
export type { TrialStore } from "./port/trials.ts";
export type { RolloutRow, RolloutStore } from "./port/rollouts.ts";

/** Everything in PostgreSQL, over one pool. */
export interface Database {
  readonly runs: RunStore;
  readonly datasets: DatasetStore;
  readonly alerts: AlertStore;
  readonly alertRules: AlertRuleStore;
  readonly alertChannels: AlertChannelStore;
  readonly alertSilences: AlertSilenceStore;
  readonly alertEvaluation: AlertEvaluationStore;
  readonly alertEvents: AlertEventStore;
  readonly alertDeliveries: AlertDeliveryStore;
  readonly assets: AssetStore;
  readonly registry: Registry;
  readonly rollouts: RolloutStore;
  readonly approvals: ApprovalStore;
  readonly keys: KeyStore;
  readonly performance: PerformanceStore;
  readonly predictions: PredictionStore;
  readonly audit: AuditStore;
  readonly drift: DriftStore;
  readonly scores: ScoreStore;
  readonly idempotency: IdempotencyStore;
  readonly labels: LabelStore;
  readonly lineage: LineageStore;
  readonly features: FeatureStore;
  readonly retention: RetentionStore;
  readonly retrains: RetrainStore;
  readonly trials: TrialStore;
  readonly liveSources: LiveSourceStore;
  readonly catalog: CatalogStore;
  readonly readingUploads: ReadingUploadStore;
  readonly readings: ReadingStore;
  readonly readingUpkeep: ReadingUpkeepStore;
  readonly deadLetters: DeadLetterStore;
  readonly documents: DocumentStore;
  readonly devices: DeviceStore;
  readonly feeds: FeedStore;
  readonly staleAssets: StaleAssetStore;
  readonly online: OnlineStore;
  readonly recommendations: RecommendationStore;
  readonly workOrders: WorkOrderStore;
  probe(): Promise<void>;
  close(): Promise<void>;
}
