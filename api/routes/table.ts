import { alertDeliveryRoutes } from "./alert-deliveries.ts";
import { alertRuleRoutes } from "./alert-rules.ts";
import { alertRoutes } from "./alerts.ts";
import { approvalRoutes } from "./approvals.ts";
import { assetScoreRoutes } from "./asset-scores.ts";
import { assetRoutes } from "./assets.ts";
import { catalogRoutes } from "./catalog.ts";
import { dataVersionRoutes } from "./data-versions.ts";
import { datasetRoutes } from "./datasets.ts";
import { deadLetterRoutes } from "./dead-letters.ts";
import { descriptionRoutes } from "./description.ts";
import { feedRoutes } from "./feeds.ts";
import { featureRefreshRoutes } from "./feature-refreshes.ts";
import { featureRoutes } from "./features.ts";
import { documentRoutes } from "./documents.ts";
import { healthRoutes } from "./health.ts";
import { importRoutes } from "./imports.ts";
import { inferenceProtocolRoutes } from "./inference-protocol.ts";
import { keyRoutes } from "./keys.ts";
import { lineageRoutes } from "./lineage.ts";
import { liveSourceRoutes } from "./live-sources.ts";
import { modelRoutes } from "./models.ts";
import { pipelineRoutes } from "./pipelines.ts";
import { placeRoutes } from "./places.ts";
import { predictRoutes } from "./predict.ts";
import { promotionRoutes } from "./promotions.ts";
import { intakeRoutes, readingRoutes } from "./readings.ts";
import { readingUploadRoutes } from "./reading-uploads.ts";
import { recordRoutes } from "./records.ts";
import type { AnyRoute } from "./route.ts";
import { reproductionRoutes } from "./reproductions.ts";
import { runRoutes } from "./runs.ts";
import { scoreRoutes } from "./scores.ts";
import { thresholdRoutes } from "./thresholds.ts";
import { trialRoutes } from "./trials.ts";
import { uploadRoutes } from "./uploads.ts";

/** Every route that does something. A new resource is one file and one line here. */
const RESOURCES: readonly AnyRoute[] = [
  ...predictRoutes,
  ...inferenceProtocolRoutes,
  ...runRoutes,
  ...trialRoutes,
  ...pipelineRoutes,
  ...uploadRoutes,
  ...approvalRoutes,
  ...modelRoutes,
  ...promotionRoutes,
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
  ...recordRoutes,
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
