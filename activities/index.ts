import { createAlarmActivities } from "./alarms/activities.ts";
import { createAdoptionActivities } from "./adoption/activities.ts";
import { createApprovalActivities } from "./approval/activities.ts";
import { createComparisonActivities } from "./comparison/activities.ts";
import type { ActivityDeps } from "./dependencies.ts";
import { createEvaluationActivities } from "./evaluation/activities.ts";
import { withFailures } from "./failures.ts";
import { createExternalActivities } from "./external/activities.ts";
import { createFeatureActivities } from "./features/activities.ts";
import { withLateHeartbeat } from "./heartbeat.ts";
import { createHousekeepingActivities } from "./housekeeping/activities.ts";
import { createIngestActivities } from "./ingest/activities.ts";
import { createMaintenanceActivities } from "./maintenance/activities.ts";
import { createOrderActivities } from "./maintenance/order-activities.ts";
import { createSavingsActivities } from "./maintenance/savings/activities.ts";
import { createMonitoringActivities } from "./monitoring/activities.ts";
import { createOnlineActivities } from "./online/activities.ts";
import { createPerformanceActivities } from "./performance/activities.ts";
import { createReadingsActivities } from "./readings/activities.ts";
import { createRegistryActivities } from "./registry/activities.ts";
import { createReplayLifeActivities } from "./replay-life/activities.ts";
import { createReproductionActivities } from "./reproduction/activities.ts";
import { createExtractActivities } from "./retraining/extract-activities.ts";
import { createEnvelopeActivities } from "./retraining/envelope-activities.ts";
import { createRetrainingActivities } from "./retraining/activities.ts";
import { createReviewActivities } from "./review/activities.ts";
import { createRolloutActivities } from "./rollout/activities.ts";
import { createRunActivities } from "./runs/activities.ts";
import { createScoringActivities } from "./scoring/activities.ts";
import { createSearchActivities } from "./search/activities.ts";
import { createTrainingActivities } from "./training/activities.ts";

/** All activities by the queue they run on, with errors mapped. A new domain is one line here. */
export function createActivities(deps: ActivityDeps) {
  return {
    control: withFailures({
      ...withLateHeartbeat({
        ...createRunActivities(deps),
        ...createApprovalActivities(deps),
        ...createRegistryActivities(deps),
        ...createMonitoringActivities(deps),
        ...createRetrainingActivities(deps),
        ...createAlarmActivities(deps),
        ...createRolloutActivities(deps),
        ...createReviewActivities(deps),
        ...createMaintenanceActivities(deps),
        ...createOrderActivities(deps),
      }),
      ...createHousekeepingActivities(deps),
      ...createOnlineActivities(deps),
    }),
    data: withFailures({
      ...createIngestActivities(deps),
      ...createFeatureActivities(deps),
      ...createReadingsActivities(deps),
      ...createPerformanceActivities(deps),
      ...createReproductionActivities(deps),
      ...createComparisonActivities(deps),
      ...createEnvelopeActivities(deps),
      ...createExtractActivities(deps),
    }),
    train: withFailures({
      ...createTrainingActivities(deps),
      ...createSearchActivities(deps),
      ...createAdoptionActivities(deps),
      ...createExternalActivities(deps),
      ...createEvaluationActivities(deps),
      ...createScoringActivities(deps),
      ...createSavingsActivities(deps),
      ...createReplayLifeActivities(deps),
    }),
  };
}
