import { WorkflowNotFoundError } from "@temporalio/client";
import type { Client, Connection } from "@temporalio/client";
import type { Logger } from "pino";
import { rollBackUnwatched } from "../activities/rollout/unwatched.ts";
import type { Database, RolloutRow } from "../stores/postgres/port.ts";
import { WokenLoop } from "../stores/postgres/woken-loop.ts";
import { endContextTracking } from "../temporal-config/connection.ts";

/** Two looks and a rollback are then over within the five seconds that a rollback may take. */
const LOOK_EVERY_MS = 1_500;
const MOST_OPEN = 1_000;
const CALL_MS = 5_000;

/**
 * Rolls back rollouts whose workflow is closed or gone, as after `temporal workflow terminate`: they would go on answering,
 * and no guard would look. A workflow that ends writes its row first, so a row that is open at two looks in a row while its
 * workflow is not running has been left behind. Every worker looks; the first end stands.
 */
export class RolloutSweeper {
  readonly #db: Pick<Database, "rollouts">;
  readonly #client: Client;
  readonly #log: Logger;
  readonly #loop = new WokenLoop(() => this.#work());
  /** Ids that were found without a workflow at the last look. */
  #suspects: ReadonlySet<string> = new Set();

  constructor(db: Pick<Database, "rollouts">, client: Client, log: Logger) {
    this.#db = db;
    this.#client = client;
    this.#log = log;
  }

  start(): void {
    this.#loop.wake();
  }

  close(): Promise<void> {
    return this.#loop.close();
  }

  /** @returns ms until it should look again */
  async #work(): Promise<number> {
    try {
      await this.#look();
    } catch (err) {
      // Whoever cannot be asked says nothing about any workflow.
      this.#suspects = new Set();
      this.#log.debug({ err }, "rollouts without a workflow are looked for again");
    }
    return LOOK_EVERY_MS;
  }

  async #look(): Promise<void> {
    const before = this.#suspects;
    const suspects = new Set<string>();
    for (const row of await this.#db.rollouts.list({ isOpen: true, limit: MOST_OPEN })) {
      const ended = await this.#endOf(row);
      if (ended === undefined) continue;
      suspects.add(row.id);
      if (!before.has(row.id)) continue;
      this.#log.warn({ rolloutId: row.id, workflowId: row.workflowId, ended }, "rollout without a workflow");
      await rollBackUnwatched(this.#db, row.id, `its workflow ${ended}`);
    }
    this.#suspects = suspects;
  }

  /** What became of the workflow behind it; undefined: it runs. */
  async #endOf({ workflowId }: RolloutRow): Promise<string | undefined> {
    try {
      const handle = this.#client.workflow.getHandle(workflowId);
      const { status } = await this.#call(() => handle.describe());
      return ENDS[status.name];
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return "is not there";
      throw error;
    }
  }

  /** A server that hangs must not hold up the next look. */
  async #call<T>(work: () => Promise<T>): Promise<T> {
    const { connection } = this.#client;
    const answer = connection.withDeadline(Date.now() + CALL_MS, work);
    endContextTracking(connection as Connection);
    return await answer;
  }
}

const ENDS: Readonly<Record<string, string>> = {
  COMPLETED: "is over",
  FAILED: "failed",
  CANCELLED: "was cancelled",
  TERMINATED: "was terminated",
  TIMED_OUT: "ran out of time",
};
