import { alertDeliveryRoutes } from "./alerts/alert-deliveries.ts";
import { alertRuleRoutes } from "./alerts/alert-rules.ts";
import { alertRoutes } from "./alerts/alerts.ts";
import { approvalRoutes } from "./models/approvals.ts";
import { assetScoreRoutes } from "./serving/asset-scores.ts";
import { assetRoutes } from "./access/assets.ts";
import { catalogRoutes } from "./data/catalog.ts";
import { dataVersionRoutes } from "./data/data-versions.ts";
import { datasetRoutes } from "./data/datasets.ts";
import { deadLetterRoutes } from "./live/dead-letters.ts";
import { descriptionRoutes } from "./description.ts";
import { driftRoutes } from "./models/drift.ts";
import { feedRoutes } from "./live/feeds.ts";
import { featureRefreshRoutes } from "./live/feature-refreshes.ts";
import { featureRoutes } from "./live/features.ts";
import { documentRoutes } from "./data/documents.ts";
import { healthRoutes } from "./health.ts";
import { importRoutes } from "./models/imports.ts";
import { inferenceProtocolRoutes } from "./serving/inference-protocol.ts";
import { keyRoutes } from "./access/keys.ts";
import { labelRoutes } from "./models/labels.ts";
import { lineageRoutes } from "./data/lineage.ts";
import { liveSourceRoutes } from "./live/live-sources.ts";
import { modelRoutes } from "./models/models.ts";
import { performanceRoutes } from "./models/performance.ts";
import { pipelineRoutes } from "./runs/pipelines.ts";
import { placeRoutes } from "./access/places.ts";
import { predictRoutes } from "./serving/predict.ts";
import { promotionRoutes } from "./models/promotions.ts";
import { intakeRoutes, readingRoutes } from "./live/readings.ts";
import { readingUploadRoutes } from "./live/reading-uploads.ts";
import { recommendationRoutes } from "./maintenance/recommendations.ts";
import { recordRoutes } from "./access/records.ts";
import type { AnyRoute } from "./route.ts";
import { replayRoutes } from "./runs/replays.ts";
import { reproductionRoutes } from "./runs/reproductions.ts";
import { gateRoutes } from "./models/gates.ts";
import { retrainRoutes } from "./models/retrains.ts";
import { scheduleRoutes } from "./access/schedules.ts";
import { rolloutRoutes } from "./models/rollouts.ts";
import { runRoutes } from "./runs/runs.ts";
import { savingsRoutes } from "./maintenance/savings.ts";
import { scoreRoutes } from "./serving/scores.ts";
import { thresholdRoutes } from "./models/thresholds.ts";
import { trialRoutes } from "./runs/trials.ts";
import { workOrderRoutes } from "./maintenance/work-orders.ts";
import { uploadRoutes } from "./data/uploads.ts";

/** Every route that does something. A new resource is one file and one line here. */
const RESOURCES: readonly AnyRoute[] = [
  ...predictRoutes,
  ...inferenceProtocolRoutes,
  ...runRoutes,
  ...trialRoutes,
  ...pipelineRoutes,
  ...replayRoutes,
  ...uploadRoutes,
  ...approvalRoutes,
  ...modelRoutes,
  ...promotionRoutes,
  ...rolloutRoutes,
  ...thresholdRoutes,
  ...reproductionRoutes,
  ...importRoutes,
  ...scoreRoutes,
  ...readingUploadRoutes,
  ...intakeRoutes,
  ...readingRoutes,
  ...liveSourceRoutes,
  ...deadLetterRoutes,
  ...placeRoutes,
  ...feedRoutes,
  ...featureRoutes,
  ...featureRefreshRoutes,
  ...assetScoreRoutes,
  ...recommendationRoutes,
  ...workOrderRoutes,
  ...savingsRoutes,
  ...recordRoutes,
  ...driftRoutes,
  ...labelRoutes,
  ...gateRoutes,
  ...performanceRoutes,
  ...retrainRoutes,
  ...scheduleRoutes,
  ...assetRoutes,
  ...alertRoutes,
  ...alertRuleRoutes,
  ...alertDeliveryRoutes,
  ...documentRoutes,
  ...catalogRoutes,
  ...datasetRoutes,
  ...dataVersionRoutes,
  ...lineageRoutes,
  ...keyRoutes,
  ...healthRoutes,
];

/** Every route of the API; the last ones describe the others. */
export const ROUTES: readonly AnyRoute[] = [...RESOURCES, ...descriptionRoutes(RESOURCES)];
