import type { Connection } from "@temporalio/client";
import { TASK_QUEUES } from "../../temporal-config/constants.ts";
import { childEnvironment, builtEntry, isBuilt } from "./node-process.ts";
import type { PartContext, PartDefinition, PartPlan } from "./part.ts";

const ENTRY = "workers/pipeline.js";
/** Of Temporal's API. */
const TASK_QUEUE_TYPE_ACTIVITY = 2;

/** The pipeline worker: all task queues in one process, by default. */
export const workerPart: PartDefinition = {
  name: "worker",
  needs: ["postgres", "temporal", "objects"],
  ports: ["workerMetrics"],
  isEmbedded: () => isBuilt(ENTRY),
  plan: planWorker,
  probeExternal: async () => `not started: dist/${ENTRY} is not built (npm run build)`,
};

/**
 * Ready when the server has seen it poll since it was spawned: only then is a run started now also run
 * now. After that the process itself is watched; a worker that cannot reach the server reconnects.
 */
function planWorker(context: PartContext): PartPlan {
  const queue = context.settings.workerQueues[0] ?? "control";
  let connection: Promise<Connection> | undefined;
  let readyFor: Date | undefined;
  const connected = () => {
    connection ??= import("../../temporal-config/connection.ts").then(({ connect }) =>
      connect({ temporal: { ...context.settings.temporal, address: context.temporalAddress } }),
    );
    return connection.catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
  };
  return {
    name: "worker",
    stopSignal: "SIGTERM",
    // Its own force time is 15 s (temporal-config/constants.ts).
    stopGraceMs: 18_000,
    // Those who ask the API come first; its trainings and workflows have what is left, on an idle machine all.
    niceness: 10,
    prepare: async () => ({
      file: process.execPath,
      args: ["--enable-source-maps", builtEntry(ENTRY)],
      cwd: context.settings.cwd,
      env: { ...childEnvironment(context), AURA_METRICS_PORT: String(context.ports.workerMetrics) },
    }),
    async probe(_signal, spawnedAt) {
      if (readyFor === spawnedAt) return;
      const { workflowService } = await connected();
      const { pollers } = await workflowService.describeTaskQueue({
        namespace: context.settings.temporal.namespace,
        taskQueue: { name: TASK_QUEUES[queue] },
        taskQueueType: TASK_QUEUE_TYPE_ACTIVITY,
      });
      const seen = (pollers ?? []).map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0));
      // The server's time of a poll has seconds here; a poll of the second of the spawn counts.
      if (!seen.some((seconds) => seconds >= Math.floor(spawnedAt.getTime() / 1000))) {
        throw new Error("it does not poll yet");
      }
      readyFor = spawnedAt;
    },
    dispose: async () => (await connection)?.close(),
  };
}
