import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import { msToTs } from "@temporalio/common/lib/time.js";
import { DefaultLogger, NativeConnection, Runtime, Worker, bundleWorkflowCode } from "@temporalio/worker";
import type { WorkflowBundleWithSourceMap } from "@temporalio/worker";
import { TASK_QUEUES, WORKER_TUNING } from "../../temporal-config/constants.ts";
import { ensureSearchAttributes } from "../../temporal-config/search-attributes.ts";
import type { TestServices } from "./platform.ts";

/**
 * The product's workflows on the run's Temporal server, with activities of the test's own.
 *
 * A namespace for each caller, because the task queues are fixed names: workers of two test files would otherwise take
 * each other's activities.
 */
export interface WorkflowEnvironment {
  readonly client: Client;
  readonly namespace: string;
  /** Stops the workers and closes the connections. */
  readonly close: () => Promise<void>;
}

/** Activities by name, as the workflows call them. */
export type FakeActivities = Readonly<Record<string, (input: never) => Promise<unknown>>>;

let bundle: Promise<WorkflowBundleWithSourceMap> | undefined;
let nNamespaces = 0;

const RETENTION_MS = 86_400_000;

/** @param activities  served on all queues */
export async function startWorkflowEnvironment(
  services: TestServices,
  activities: FakeActivities,
): Promise<WorkflowEnvironment> {
  silenceRuntime();
  nNamespaces += 1;
  const namespace = `test-${process.pid}-${nNamespaces}`;
  const connection = await Connection.connect({ address: services.temporalAddress });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs(RETENTION_MS),
  });
  await ensureSearchAttributes(connection, namespace);
  const native = await NativeConnection.connect({ address: services.temporalAddress });
  const workflowBundle = await workflowsAsWritten();
  const workers = await Promise.all(
    Object.values(TASK_QUEUES).map((taskQueue) =>
      Worker.create({
        connection: native,
        namespace,
        taskQueue,
        activities,
        workflowBundle,
        ...WORKER_TUNING,
      }),
    ),
  );
  const running = Promise.all(workers.map((worker) => worker.run()));
  return {
    client: new Client({ connection, namespace }),
    namespace,
    async close() {
      for (const worker of workers) worker.shutdown();
      await running;
      await native.close();
      await connection.close();
    },
  };
}

/** The workflows bundled from source, once per process: what stands in dist/ may be older. */
export function workflowsAsWritten(): Promise<WorkflowBundleWithSourceMap> {
  bundle ??= bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL("../../workflows/index.ts", import.meta.url)),
    logger: new DefaultLogger("ERROR"),
  });
  return bundle;
}

let isSilent = false;

/** The native core otherwise writes coloured lines past every logger, between those of the test runner. */
export function silenceRuntime(): void {
  if (isSilent) return;
  isSilent = true;
  Runtime.install({
    logger: new DefaultLogger("ERROR"),
    telemetryOptions: { logging: { forward: {}, filter: "ERROR" } },
  });
}
