import { clientConfig, ConnectionPool } from "./connection/connection-pool.ts";
import { AliasListener } from "./connection/alias-listener.ts";
import { PostgresAuditStore } from "./audit/audit-store.ts";
import { migrate } from "./migrate.ts";
import type { AuditAnchor, Database } from "./port.ts";
import { PostgresApprovalStore } from "./repositories/registry/approval-store.ts";
import { PostgresDatasetStore } from "./repositories/data/dataset-store.ts";
import { PostgresAlertStore } from "./repositories/serving/alert-store.ts";
import { PostgresLabelStore } from "./repositories/serving/label-store.ts";
import { PostgresDriftStore } from "./repositories/serving/drift-store.ts";
import { PostgresAssetStore } from "./repositories/data/asset-store.ts";
import { PostgresFeatureStore } from "./repositories/data/feature-store.ts";
import { PostgresIdempotencyStore } from "./repositories/access/idempotency-store.ts";
import { PostgresRetentionStore } from "./repositories/data/retention-store.ts";
import { PostgresKeyStore } from "./repositories/access/key-store.ts";
import { PostgresLineageStore } from "./repositories/lineage/lineage-store.ts";
import { PostgresPerformanceStore } from "./repositories/serving/performance-store.ts";
import { PostgresPredictionStore, SEGMENTS_CHANNEL } from "./repositories/serving/prediction-store.ts";
import { ALIAS_CHANNEL } from "./repositories/registry/promotion.ts";
import { PostgresRolloutStore } from "./repositories/registry/rollout-store.ts";
import { PostgresRegistry } from "./repositories/registry/registry.ts";
import { PostgresRetrainStore } from "./repositories/registry/retrain-store.ts";
import { PostgresRunStore } from "./repositories/runs/run-store.ts";
import { PostgresTrialStore } from "./repositories/runs/trial-store.ts";
import { PostgresCatalogStore } from "./repositories/data/catalog-store.ts";
import { PostgresDeadLetterStore } from "./repositories/live/dead-letter-store.ts";
import { PostgresDocumentStore } from "./repositories/data/document-store.ts";
import { PostgresDeviceStore } from "./repositories/live/device-store.ts";
import { PostgresLiveSourceStore } from "./repositories/live/source-store.ts";
import { PostgresReadingUploadStore } from "./repositories/live/reading-upload-store.ts";
import { PostgresReadingUpkeep } from "./repositories/live/reading-upkeep.ts";
import { PostgresFeedStore } from "./repositories/live/feed-store.ts";
import { PostgresStaleAssetStore } from "./repositories/live/stale-asset-store.ts";
import { PostgresRecommendationStore } from "./repositories/maintenance/recommendation-store.ts";
import { PostgresWorkOrderStore } from "./repositories/maintenance/work-order-store.ts";
import { PostgresOnlineStore } from "./repositories/live/online-store.ts";
import { PostgresReadingStore, READINGS_CHANNEL } from "./repositories/live/reading-store.ts";
import {
  alertChannelStore,
  alertRuleStore,
  alertSilenceStore,
} from "./repositories/alerting/declaration-store.ts";
import { ALERTS_CHANNEL, PostgresAlertEventStore } from "./repositories/alerting/alert-events.ts";
import { PostgresAlertDeliveryStore } from "./repositories/alerting/delivery-store.ts";
import { PostgresAlertEvaluationStore } from "./repositories/alerting/evaluation-store.ts";
import { PostgresScoreStore } from "./repositories/serving/score-store.ts";

export interface DatabaseOptions {
  /** Connections at most; default 10. Each listener has one of its own on top. */
  readonly maxConnections?: number;
  /** Milliseconds after which a statement is ended; default 30 000. Staging and verification have no limit. */
  readonly statementTimeoutMs?: number;
  /** Milliseconds to wait for a connection; default 5 000. */
  readonly connectTimeoutMs?: number;
  /**
   * Called after each sealing with the chain's new head, to keep it outside the database (in the object store).
   * Its failure fails `seal`, whose rows are sealed all the same.
   */
  readonly onAuditAnchor?: (anchor: AuditAnchor) => Promise<void>;
}

/**
 * Migrates the database and opens the stores over one pool.
 *
 * Connections take the role `aura_app` where the login user may: then even a defect of ours cannot change the
 * audit log or the alias history, because the server refuses it.
 *
 * @param databaseUrl  `postgresql://…`; rules for TLS: `connection/connection-url.ts`
 * @throws {PlatformError} database_unavailable, config_invalid, or integrity (changed or unknown migrations)
 */
export async function createDatabase(databaseUrl: string, options: DatabaseOptions = {}): Promise<Database> {
  const { role } = await migrate(databaseUrl);
  const poolOptions = {
    maxConnections: options.maxConnections ?? 10,
    statementTimeoutMs: options.statementTimeoutMs ?? 30_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    role,
  };
  const pool = new ConnectionPool(databaseUrl, poolOptions);
  const listener = new AliasListener(clientConfig(databaseUrl, poolOptions), ALIAS_CHANNEL);
  const readingsListener = new AliasListener(clientConfig(databaseUrl, poolOptions), READINGS_CHANNEL);
  const alertsListener = new AliasListener(clientConfig(databaseUrl, poolOptions), ALERTS_CHANNEL);
  const segmentsListener = new AliasListener(clientConfig(databaseUrl, poolOptions), SEGMENTS_CHANNEL);
  const predictions = new PostgresPredictionStore(pool, segmentsListener);
  return {
    runs: new PostgresRunStore(pool),
    datasets: new PostgresDatasetStore(pool),
    alerts: new PostgresAlertStore(pool),
    alertRules: alertRuleStore(pool),
    alertChannels: alertChannelStore(pool),
    alertSilences: alertSilenceStore(pool),
    alertEvaluation: new PostgresAlertEvaluationStore(pool),
    alertDeliveries: new PostgresAlertDeliveryStore(pool),
    alertEvents: new PostgresAlertEventStore(pool, alertsListener),
    assets: new PostgresAssetStore(pool),
    registry: new PostgresRegistry(pool, listener),
    rollouts: new PostgresRolloutStore(pool),
    approvals: new PostgresApprovalStore(pool),
    keys: new PostgresKeyStore(pool),
    predictions,
    performance: new PostgresPerformanceStore(pool),
    audit: new PostgresAuditStore(pool, options.onAuditAnchor),
    drift: new PostgresDriftStore(pool),
    scores: new PostgresScoreStore(pool),
    idempotency: new PostgresIdempotencyStore(pool),
    labels: new PostgresLabelStore(pool),
    lineage: new PostgresLineageStore(pool),
    features: new PostgresFeatureStore(pool),
    retention: new PostgresRetentionStore(pool),
    retrains: new PostgresRetrainStore(pool),
    trials: new PostgresTrialStore(pool),
    liveSources: new PostgresLiveSourceStore(pool),
    catalog: new PostgresCatalogStore(pool),
    readingUploads: new PostgresReadingUploadStore(pool),
    readings: new PostgresReadingStore(pool),
    readingUpkeep: new PostgresReadingUpkeep(pool),
    deadLetters: new PostgresDeadLetterStore(pool),
    documents: new PostgresDocumentStore(pool),
    devices: new PostgresDeviceStore(pool),
    feeds: new PostgresFeedStore(pool, clientConfig(databaseUrl, poolOptions)),
    staleAssets: new PostgresStaleAssetStore(pool),
    online: new PostgresOnlineStore(pool, readingsListener),
    recommendations: new PostgresRecommendationStore(pool),
    workOrders: new PostgresWorkOrderStore(pool),
    probe: () => pool.probe(),
    async close() {
      await listener.close();
      await readingsListener.close();
      await alertsListener.close();
      await segmentsListener.close();
      await pool.close();
    },
  };
}
