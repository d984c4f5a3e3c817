import { WorkflowNotFoundError } from "@temporalio/client";
import type { Client, Connection } from "@temporalio/client";
import { endContextTracking } from "../temporal-config/connection.ts";

const CALL_MS = 5_000;

/** What stands for a workflow that the server does not know any more. */
export const GONE = "GONE";

/** Calls of the Temporal server that give up after some seconds: one that hangs must not hold up whoever makes it. */
export class ServerCalls {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** @throws what `work` throws; its deadline */
  async call<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { connection } = this.#client;
    const answer = connection.withDeadline(Date.now() + CALL_MS, () => work(this.#client));
    endContextTracking(connection as Connection);
    return await answer;
  }

  /** How the newest run of a workflow stands, as `RUNNING` or `TERMINATED`; `GONE`. */
  async statusOf(workflowId: string): Promise<string> {
    try {
      const { status } = await this.call((client) => client.workflow.getHandle(workflowId).describe());
      return status.name;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return GONE;
      throw error;
    }
  }
}
