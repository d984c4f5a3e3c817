import type { Client } from "@temporalio/client";
import type { Logger } from "pino";
import { rollBackUnwatched } from "../activities/rollout/unwatched.ts";
import type { Database } from "../stores/postgres/port.ts";
import { WokenLoop } from "../stores/postgres/woken-loop.ts";
import { GONE, ServerCalls } from "./server-calls.ts";

/** Two looks and a rollback are then over within the five seconds that a rollback may take. */
const LOOK_EVERY_MS = 1_500;
const MOST_OPEN = 1_000;

/**
 * Rolls back rollouts whose workflow is closed or gone, as after `temporal workflow terminate`: they would go on answering,
 * and no guard would look. A workflow that ends writes its row first, so a row that is open at two looks in a row while its
 * workflow is not running has been left behind. Every worker looks; the first end stands.
 */
export class RolloutSweeper {
  readonly #db: Pick<Database, "rollouts">;
  readonly #server: ServerCalls;
  readonly #log: Logger;
  readonly #loop = new WokenLoop(() => this.#work());
  /** Ids that were found without a workflow at the last look. */
  #suspects: ReadonlySet<string> = new Set();

  constructor(db: Pick<Database, "rollouts">, client: Client, log: Logger) {
    this.#db = db;
    this.#server = new ServerCalls(client);
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
      const ended = ENDS[await this.#server.statusOf(row.workflowId)];
      if (ended === undefined) continue;
      suspects.add(row.id);
      if (!before.has(row.id)) continue;
      this.#log.warn({ rolloutId: row.id, workflowId: row.workflowId, ended }, "rollout without a workflow");
      await rollBackUnwatched(this.#db, row.id, `its workflow ${ended}`);
    }
    this.#suspects = suspects;
  }
}

/** What became of a workflow that does not run. */
const ENDS: Readonly<Record<string, string>> = {
  COMPLETED: "is over",
  FAILED: "failed",
  CANCELLED: "was cancelled",
  TERMINATED: "was terminated",
  TIMED_OUT: "ran out of time",
  [GONE]: "is not there",
};
