/**
 * Names, ids, timeouts and retry presets that workflows, activities, workers and API share.
 *
 * One of the two modules that a workflow may import as a value: plain data and pure functions, no imports.
 */

/** Task queues by the resource their work uses: light bookkeeping, I/O and DuckDB, CPU. */
export const TASK_QUEUES = { control: "aura-control", data: "aura-data", train: "aura-train" } as const;

/** `control`, `data` or `train`: how `AURA_WORKER_QUEUES` names a queue. */
export type TaskQueueName = keyof typeof TASK_QUEUES;

/** Search attributes of every AURA workflow, all of type Keyword. At most 10 Keywords fit on SQLite. */
export const SEARCH_ATTRIBUTES = {
  pipeline: "AuraPipeline",
  stage: "AuraStage",
  model: "AuraModel",
  version: "AuraVersion",
  dataset: "AuraDataset",
  approval: "AuraApproval",
} as const;

/** Type of each search attribute, as the server names it. */
export const SEARCH_ATTRIBUTE_TYPE = "Keyword";

/** Days that closed workflows stay readable; the dev server's own default is one day. */
export const RETENTION_DAYS = 30;

/** Largest payload an argument or result may be, in bytes; larger things travel as references. */
export const MAX_PAYLOAD_BYTES = 128 * 1024;

/**
 * Retry presets. Every activity names one; there is no unnamed default.
 *
 * `dependency`: bookkeeping. `work`: data and CPU work. Neither bounds the attempts: a database, store or server that is
 * away is waited for as long as the activity's scheduleToClose allows; bad input is never retried and a defect ends
 * after some attempts (`activities/failures.ts`).
 */
export const RETRY = {
  dependency: { initialInterval: "500ms", backoffCoefficient: 2, maximumInterval: "20s" },
  work: { initialInterval: "500ms", backoffCoefficient: 2, maximumInterval: "10s" },
} as const;

/**
 * Activity timeouts by kind of step. A heartbeat timeout is a few seconds, so that work of a dead
 * worker starts elsewhere soon; a step without heartbeat has a short startToClose for the same reason.
 */
export const TIMEOUTS = {
  /** A few statements or one small object. */
  quick: { startToCloseTimeout: "30s", scheduleToCloseTimeout: "24h" },
  /** Reading files, DuckDB, uploads: minutes to hours, with heartbeats. */
  data: { startToCloseTimeout: "6h", scheduleToCloseTimeout: "7d", heartbeatTimeout: "10s" },
  /** Training and evaluation: CPU in a worker thread, with heartbeats; a fold starts anew after a crash. */
  train: { startToCloseTimeout: "24h", scheduleToCloseTimeout: "7d", heartbeatTimeout: "10s" },
} as const;

/**
 * A trainer on another task queue. Nobody there for minutes means that its worker does not run, which a person should be
 * told; its heartbeat may be slower than ours, as other languages' loops cannot always be left for one.
 */
export const EXTERNAL_TIMEOUTS = {
  scheduleToStartTimeout: "10m",
  startToCloseTimeout: "24h",
  scheduleToCloseTimeout: "7d",
  heartbeatTimeout: "60s",
} as const;

/** Worker options whose defaults cost seconds after a crash. */
export const WORKER_TUNING = {
  /** Default 10 s: how long a workflow stays stuck on a killed worker's sticky queue. */
  stickyQueueScheduleToStartTimeout: "2s",
  /** At the default throttle (0.8 × heartbeat timeout) a crash loses that much progress. */
  maxHeartbeatThrottleInterval: "1s",
  defaultHeartbeatThrottleInterval: "1s",
  /** SIGTERM: activities get this long to end or to write a checkpoint. */
  shutdownGraceTime: "5s",
  /** Then the process ends in any case, or an activity deaf to cancellation would hold it for ever. */
  shutdownForceTime: "15s",
} as const;

/**
 * Watching a rollout: for as long as a stage bakes. A killed worker is noticed within the heartbeat's time, and another one
 * watches at once, as what is wrong must be rolled back in seconds.
 */
export const WATCH = {
  startToCloseTimeout: "365d",
  heartbeatTimeout: "4s",
  retry: { initialInterval: "200ms", backoffCoefficient: 2, maximumInterval: "2s" },
} as const;

/** How often an approval looks for its recorded decision by itself, should a wake-up be lost. */
export const APPROVAL_POLL_MS = 60_000;

/**
 * Workflow ids. They make starts idempotent: the same work has the same id. Parts are names of the
 * allow-list, hashes or integers, so the separator cannot occur in them; subject ids that are data are
 * hashed by the caller.
 */

/** `hash` covers canonical spec, raw file hashes and schedule key. */
export const pipelineWorkflowId = (name: string, hash: string): string => `pipeline/${name}/${hash}`;

/** `digest` is the version digest the decision will name. */
export const approveWorkflowId = (kind: string, id: string, digest: string): string =>
  `approve/${kind}/${id}/${digest}`;

export const promoteWorkflowId = (model: string, version: number): string => `promote/${model}/${version}`;

/** `id` names model, version and who asked. */
export const rolloutWorkflowId = (id: string): string => `rollout/${id}`;

/** The review of one rollback that nobody approved. */
export const reviewWorkflowId = (id: string): string => `review/${id}`;

/** Also the id of the model's drift schedule. */
export const driftWorkflowId = (model: string): string => `drift/${model}`;

/** Also the id of the model's performance schedule. */
export const performanceWorkflowId = (model: string): string => `performance/${model}`;

/** Workflow and schedule of what goes away by itself. */
export const HOUSEKEEPING_ID = "housekeeping";

/** Workflow and schedule of what is done with stored readings. */
export const READINGS_UPKEEP_ID = "readings/upkeep";

/** Workflow and schedule of what brings features of live readings up to date. */
export const FEATURES_REFRESH_ID = "features/refresh";

/** One by hand; `hash` covers what was asked for. */
export const featuresRefreshWorkflowId = (hash: string): string => `${FEATURES_REFRESH_ID}/${hash}`;

/** The reading of one uploaded file. */
export const uploadWorkflowId = (uploadId: string): string => `readings/upload/${uploadId}`;

/** `window` is the logical time window that drifted, e.g. `2026-11-21T00:00Z`. */
export const retrainWorkflowId = (model: string, window: string): string => `retrain/${model}/${window}`;

/** Schedule by which a model is trained anew. */
export const retrainScheduleId = (model: string): string => `retrain/${model}`;

/** Schedule by which new labels of a model are counted. */
export const labelsScheduleId = (model: string): string => `retrain-labels/${model}`;

/** One request for a retrain; `key` tells whose. */
export const retrainRequestWorkflowId = (model: string, key: string): string =>
  `retrain-request/${model}/${key}`;

/** The search of one candidate in one run. */
export const searchWorkflowId = (runId: string, candidate: string): string => `search/${runId}/${candidate}`;

/** The prefix is what the stage cache knows a reproduction by (`activities/stage-cache.ts`). */
export const REPRODUCE_PREFIX = "reproduce/";
export const reproduceWorkflowId = (model: string, version: number): string =>
  `${REPRODUCE_PREFIX}${model}/${version}`;

/** `hash` covers pipeline file, raw files and options. */
export const replayLifeWorkflowId = (pipeline: string, hash: string): string =>
  `replay-life/${pipeline}/${hash}`;

/** `a` and `b` are whole ids. */
export const compareDataWorkflowId = (kind: string, a: string, b: string): string =>
  `compare/${kind}/${a}/${b}`;

/** `hash` covers model digest, raw file hashes and options. */
export const scoreWorkflowId = (model: string, hash: string): string => `score/${model}/${hash}`;

/** `key` is that of the alert's events: a rule and the hash of an asset. */
export const alarmWorkflowId = (key: string): string => `alarm/${key}`;

/** One replayed delivery. */
export const alarmReplayWorkflowId = (deliveryId: number): string => `alarm-replay/${deliveryId}`;

/** Tests of one channel that are asked for at once are one. */
export const channelTestWorkflowId = (channel: string): string => `alert-channel-test/${channel}`;

/** How long a channel is tried: from a second to five minutes apart. */
export const DELIVERY = {
  startToCloseTimeout: "30s",
  scheduleToCloseTimeout: "24h",
  retry: { initialInterval: "1s", backoffCoefficient: 2, maximumInterval: "5m" },
} as const;

/** What comes of one predicted failure; `id` names model, hash of the asset, and which of the asset's it is. */
/** A recommendation's approval, and the reverse: people know the case by either. */
export const maintenanceApprovalId = (recommendationId: string): string => `maintenance.${recommendationId}`;
export const recommendationOfApproval = (approvalId: string): string | undefined =>
  approvalId.startsWith("maintenance.") ? approvalId.slice("maintenance.".length) : undefined;

export const recommendationWorkflowId = (id: string): string => `recommendation/${id}`;

/** How often a recommendation looks at its rows by itself, should a wake-up be lost. */
export const MAINTENANCE_POLL_MS = 15 * 60_000;
/** One that waits for people looks ever more seldom, at last so often: its history must last for years. */
export const MAINTENANCE_LONGEST_POLL_MS = 12 * 3_600_000;

/** Traces are stored some seconds after their answers; nobody waits for an explanation for longer than this. */
export const EXPLANATION = {
  startToCloseTimeout: "30s",
  scheduleToCloseTimeout: "2m",
  retry: { initialInterval: "1s", backoffCoefficient: 1.5, maximumInterval: "5s" },
} as const;

/** What maintenance by a version would have cost; asked again it is simulated anew. */
export const savingsWorkflowId = (model: string, version: number): string => `savings/${model}/${version}`;
