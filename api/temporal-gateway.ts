import {
  Client,
  Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
} from "@temporalio/client";
import type { WorkflowStartOptions } from "@temporalio/client";
import type { Settings } from "../config/settings.ts";
import { isPlatformError, PlatformError } from "../schemas/platform-error.ts";
import { connectClient } from "../temporal-config/connection.ts";
import {
  driftWorkflowId,
  pipelineWorkflowId,
  promoteWorkflowId,
  scoreWorkflowId,
  TASK_QUEUES,
} from "../temporal-config/constants.ts";
import type {
  StartedWorkflow,
  StartPipelineInput,
  StartPromotionInput,
  StartScoreInput,
  WorkflowGateway,
} from "./workflow-gateway.ts";

/** The gateway over a Temporal client that connects at first use, so that `/predict` never waits for Temporal. */
export function createTemporalGateway(settings: Settings): WorkflowGateway {
  return new TemporalGateway(settings);
}

class TemporalGateway implements WorkflowGateway {
  readonly #settings: Settings;
  #client: Promise<Client> | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async startPipeline({ input, inputHash }: StartPipelineInput): Promise<StartedWorkflow> {
    const workflowId = pipelineWorkflowId(input.pipeline, inputHash);
    return this.#start("pipelineWorkflow", {
      workflowId,
      args: [input],
      staticSummary:
        `Pipeline ${input.pipeline} for model ${input.model}, asked by ${input.requestedBy.id}`.slice(0, 190),
    });
  }

  async cancelRun(workflowId: string): Promise<void> {
    await this.#call("cancel run", async (client) => {
      try {
        await client.workflow.getHandle(workflowId).cancel();
      } catch (error) {
        // Already over: there is nothing left to cancel, which is what was asked for.
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    });
  }

  async wakeApproval(workflowId: string): Promise<void> {
    await this.#call("wake approval", async (client) => {
      try {
        await client.workflow.getHandle(workflowId).signal("wake");
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    });
  }

  async promote(start: StartPromotionInput): Promise<StartedWorkflow> {
    const { model, version, digest, kind, reason, requester, requestId } = start;
    const started = await this.#start("promotionWorkflow", {
      workflowId: promoteWorkflowId(model, version),
      args: [{ model, version, digest, requestId, approvalId: null, reason, actor: requester.id }],
      staticSummary: `${kind} ${model}@${version}: ${reason}`.slice(0, 190),
    });
    await this.#result("promote", started);
    return started;
  }

  async startScore({ scoreId, model, files, requester }: StartScoreInput): Promise<StartedWorkflow> {
    return this.#start("scoreWorkflow", {
      workflowId: scoreWorkflowId(model, scoreId),
      args: [{ jobId: scoreId, model, files, requestedBy: requester }],
      staticSummary: `Score a fleet with ${model}`,
    });
  }

  async checkDrift(model: string): Promise<{ workflowId: string; result: unknown }> {
    // The schedule's own action has a time suffix, so that a check by hand never blocks or is blocked by it.
    const workflowId = `${driftWorkflowId(model)}/now`;
    const started = await this.#start("driftWorkflow", {
      workflowId,
      args: [{ model }],
      staticSummary: `Check ${model} for drift, by hand`,
    });
    return { workflowId, result: await this.#result("check drift", started) };
  }

  async probe(): Promise<void> {
    await this.#call("probe", async (client) => {
      await client.connection.withDeadline(Date.now() + 1_500, () =>
        client.workflowService.getSystemInfo({}),
      );
    });
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await (client?.connection as Connection | undefined)?.close();
  }

  async #start(type: string, options: Omit<WorkflowStartOptions, "taskQueue">): Promise<StartedWorkflow> {
    return this.#call(`start ${type}`, async (client) => {
      const full = {
        ...options,
        taskQueue: TASK_QUEUES.control,
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      };
      const { workflowId } = options;
      try {
        const handle = await client.workflow.start(type, {
          ...full,
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
        });
        return { workflowId, runId: handle.firstExecutionRunId, isNew: true };
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        const { runId } = await client.workflow.getHandle(workflowId).describe();
        return { workflowId, runId, isNew: false };
      }
    });
  }

  #result(operation: string, { workflowId, runId }: StartedWorkflow): Promise<unknown> {
    return this.#call(operation, (client) => client.workflow.getHandle(workflowId, runId).result());
  }

  async #call<T>(operation: string, work: (client: Client) => Promise<T>): Promise<T> {
    try {
      this.#client ??= connectClient(this.#settings);
      return await work(await this.#client);
    } catch (error) {
      const isKnown = isPlatformError(error);
      // The next call connects anew: the server may have moved or come back.
      if (isKnown || isUnreachable(error)) this.#client = undefined;
      if (!isKnown && isUnreachable(error)) {
        throw new PlatformError("temporal_unavailable", `${operation}: Temporal does not answer`, {
          cause: error,
        });
      }
      throw error;
    }
  }
}

/** gRPC UNAVAILABLE (14) and DEADLINE_EXCEEDED (4), wherever in the chain of causes they sit; a failed connect too. */
function isUnreachable(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ("code" in at && (at.code === 14 || at.code === 4)) return true;
    if (at.message.includes("Failed to connect before the deadline")) return true;
  }
  return false;
}
