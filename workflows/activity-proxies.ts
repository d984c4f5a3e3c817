import { ActivityCancellationType, proxyActivities } from "@temporalio/workflow";
import type { createAlarmActivities } from "../activities/alarms/activities.ts";
import type { createAdoptionActivities } from "../activities/adoption/activities.ts";
import type { createApprovalActivities } from "../activities/approval/activities.ts";
import type { createComparisonActivities } from "../activities/comparison/activities.ts";
import type { createEvaluationActivities } from "../activities/evaluation/activities.ts";
import type { createExternalActivities } from "../activities/external/activities.ts";
import type { createFeatureActivities } from "../activities/features/activities.ts";
import type { createHousekeepingActivities } from "../activities/housekeeping/activities.ts";
import type { createIngestActivities } from "../activities/ingest/activities.ts";
import type { createMaintenanceActivities } from "../activities/maintenance/activities.ts";
import type { createOrderActivities } from "../activities/maintenance/order-activities.ts";
import type { createSavingsActivities } from "../activities/maintenance/savings/activities.ts";
import type { createMonitoringActivities } from "../activities/monitoring/activities.ts";
import type { createPerformanceActivities } from "../activities/performance/activities.ts";
import type { createReadingsActivities } from "../activities/readings/activities.ts";
import type { createRegistryActivities } from "../activities/registry/activities.ts";
import type { createExtractActivities } from "../activities/retraining/extract-activities.ts";
import type { createEnvelopeActivities } from "../activities/retraining/envelope-activities.ts";
import type { createRetrainingActivities } from "../activities/retraining/activities.ts";
import type { createReplayLifeActivities } from "../activities/replay-life/activities.ts";
import type { createReproductionActivities } from "../activities/reproduction/activities.ts";
import type { createRunActivities } from "../activities/runs/activities.ts";
import type { createReviewActivities } from "../activities/review/activities.ts";
import type { createRolloutActivities } from "../activities/rollout/activities.ts";
import type { createScoringActivities } from "../activities/scoring/activities.ts";
import type { createSearchActivities } from "../activities/search/activities.ts";
import type { createOnlineActivities } from "../activities/online/activities.ts";
import type { createTrainingActivities } from "../activities/training/activities.ts";
import { DELIVERY, EXPLANATION, RETRY, TASK_QUEUES, TIMEOUTS, WATCH } from "../temporal-config/constants.ts";

/**
 * Activities as workflows call them, by the resource they need: bookkeeping, data, CPU. Cancellation waits for the
 * activity to confirm, so that nothing goes on behind a run that says it stopped (the SDK's real default does not).
 */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** A killed worker is noticed in seconds (activities/heartbeat.ts), and not after the 30 s that bookkeeping may take. */
const RECORD = {
  ...TIMEOUTS.quick,
  retry: RETRY.dependency,
  taskQueue: TASK_QUEUES.control,
  heartbeatTimeout: "5s",
  cancellationType,
} as const;
const DATA = { ...TIMEOUTS.data, retry: RETRY.work, taskQueue: TASK_QUEUES.data, cancellationType };
const TRAIN = { ...TIMEOUTS.train, retry: RETRY.work, taskQueue: TASK_QUEUES.train, cancellationType };

export const runs = proxyActivities<ReturnType<typeof createRunActivities>>(RECORD);
export const approvals = proxyActivities<ReturnType<typeof createApprovalActivities>>(RECORD);
export const alarms = proxyActivities<ReturnType<typeof createAlarmActivities>>(RECORD);
/** Outside the house: what is away is tried again for a day. */
export const deliveries = proxyActivities<Pick<ReturnType<typeof createAlarmActivities>, "deliverAlert">>({
  ...RECORD,
  ...DELIVERY,
});
/** Once: whoever asks waits for the answer. */
export const channelTests = proxyActivities<Pick<ReturnType<typeof createAlarmActivities>, "testChannel">>({
  ...RECORD,
  startToCloseTimeout: DELIVERY.startToCloseTimeout,
  retry: { maximumAttempts: 1 },
});
export const maintenance = proxyActivities<ReturnType<typeof createMaintenanceActivities>>(RECORD);
export const orders = proxyActivities<ReturnType<typeof createOrderActivities>>(RECORD);
export const orderDeliveries = proxyActivities<
  Pick<ReturnType<typeof createOrderActivities>, "deliverWorkOrder">
>({ ...RECORD, ...DELIVERY });
/** People decide without it as well, and so nobody waits long for it. */
export const explanations = proxyActivities<
  Pick<ReturnType<typeof createMaintenanceActivities>, "explainRecommendation">
>({ ...RECORD, ...EXPLANATION });
export const registry = proxyActivities<ReturnType<typeof createRegistryActivities>>(RECORD);
export const reviews = proxyActivities<ReturnType<typeof createReviewActivities>>(RECORD);
type RolloutActivities = ReturnType<typeof createRolloutActivities>;
export const rollouts = proxyActivities<Omit<RolloutActivities, "watchRollout">>(RECORD);
/** Not waited for once it is cancelled: what comes next must not take the second that it needs to hear of it. */
export const watches = proxyActivities<Pick<RolloutActivities, "watchRollout">>({
  ...WATCH,
  taskQueue: TASK_QUEUES.control,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});
type MonitoringActivities = ReturnType<typeof createMonitoringActivities>;
export const monitoring = proxyActivities<Omit<MonitoringActivities, "checkDrift">>(RECORD);
/** A window of a busy model is gigabytes of traces: minutes, with heartbeats. */
export const driftChecks = proxyActivities<Pick<MonitoringActivities, "checkDrift">>({
  ...DATA,
  taskQueue: TASK_QUEUES.control,
});
export const retraining = proxyActivities<ReturnType<typeof createRetrainingActivities>>(RECORD);
/** Small steps over many rows or objects: hours with heartbeats, and no core to take. */
export const housekeeping = proxyActivities<ReturnType<typeof createHousekeepingActivities>>({
  ...DATA,
  taskQueue: TASK_QUEUES.control,
});
export const performance = proxyActivities<ReturnType<typeof createPerformanceActivities>>(DATA);
export const readings = proxyActivities<ReturnType<typeof createReadingsActivities>>(DATA);
/** It waits for scorers and computes nothing itself. */
export const online = proxyActivities<ReturnType<typeof createOnlineActivities>>({
  ...DATA,
  taskQueue: TASK_QUEUES.control,
});
export const ingest = proxyActivities<ReturnType<typeof createIngestActivities>>(DATA);
export const features = proxyActivities<ReturnType<typeof createFeatureActivities>>(DATA);
export const extracts = proxyActivities<ReturnType<typeof createExtractActivities>>(DATA);
export const envelopes = proxyActivities<ReturnType<typeof createEnvelopeActivities>>(DATA);
export const comparison = proxyActivities<ReturnType<typeof createComparisonActivities>>(DATA);
export const reproduction = proxyActivities<ReturnType<typeof createReproductionActivities>>(DATA);
export const replayLife = proxyActivities<ReturnType<typeof createReplayLifeActivities>>(TRAIN);
export const adoption = proxyActivities<ReturnType<typeof createAdoptionActivities>>(TRAIN);
export const external = proxyActivities<ReturnType<typeof createExternalActivities>>(TRAIN);
export const training = proxyActivities<ReturnType<typeof createTrainingActivities>>(TRAIN);
/** A trial loses little with its worker; that it goes on soon is what a search under kills waits for. */
export const search = proxyActivities<ReturnType<typeof createSearchActivities>>({
  ...TRAIN,
  heartbeatTimeout: "5s",
});
export const evaluation = proxyActivities<ReturnType<typeof createEvaluationActivities>>(TRAIN);
export const scoring = proxyActivities<ReturnType<typeof createScoringActivities>>(TRAIN);
export const savings = proxyActivities<ReturnType<typeof createSavingsActivities>>(TRAIN);
