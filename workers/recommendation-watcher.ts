import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
} from "@temporalio/client";
import type { Client, Connection } from "@temporalio/client";
import type { Logger } from "pino";
import { lookAt } from "../activities/maintenance/look.ts";
import type { MaintainedPipeline } from "../activities/maintenance/answers.ts";
import { MaintenancePolicies } from "../activities/maintenance/policies.ts";
import type { Database } from "../stores/postgres/port.ts";
import type { UnstartedRecommendation } from "../stores/postgres/port/maintenance.ts";
import { WokenLoop } from "../stores/postgres/woken-loop.ts";
import { endContextTracking } from "../temporal-config/connection.ts";
import { recommendationWorkflowId, TASK_QUEUES } from "../temporal-config/constants.ts";
import type { RecommendationInput } from "../workflows/recommendation/messages.ts";

const LOOK_EVERY_MS = 1_000;
/** Pipelines are read again this often. */
const POLICIES_EVERY_MS = 5_000;
/** Where no model has a policy, answers are only marked as seen. */
const IDLE_EVERY_MS = 30_000;
const STARTED_AT_ONCE = 50;
const CALL_MS = 5_000;

type Watched = Pick<Database, "recommendations" | "registry" | "runs">;

/**
 * Looks at each new answer of the champions, opens recommendations in the transaction that moves its position, and starts their
 * workflows: a start that was lost is made up for by the next look, and one that is made again changes nothing. Of several
 * workers one looks at a time.
 */
export class RecommendationWatcher {
  readonly #db: Watched;
  readonly #client: Client;
  readonly #log: Logger;
  readonly #policies: MaintenancePolicies;
  readonly #loop = new WokenLoop(() => this.#work());
  #known: ReadonlyMap<string, MaintainedPipeline> = new Map();
  #knownAt = -Infinity;
  #lookedAt = -Infinity;

  constructor(db: Watched, client: Client, log: Logger) {
    this.#db = db;
    this.#client = client;
    this.#log = log;
    this.#policies = new MaintenancePolicies(db);
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
      if (performance.now() - this.#knownAt > POLICIES_EVERY_MS) {
        this.#known = await this.#policies.list();
        this.#knownAt = performance.now();
      }
      const isIdle = this.#known.size === 0 && performance.now() - this.#lookedAt < IDLE_EVERY_MS;
      if (!isIdle) await this.#look();
      for (const one of await this.#db.recommendations.unstarted(STARTED_AT_ONCE)) await this.#begin(one);
    } catch (err) {
      this.#log.debug({ err }, "recommendations wait for the database or Temporal");
    }
    return LOOK_EVERY_MS;
  }

  async #look(): Promise<void> {
    const known = this.#known;
    const modelsFrom = (from: "live" | "fleet"): string[] =>
      [...known].flatMap(([model, { maintenance }]) => (maintenance.from.includes(from) ? [model] : []));
    const models = { live: modelsFrom("live"), fleet: modelsFrom("fleet") };
    for (let hasMore = true; hasMore && !this.#loop.isClosed;) {
      const result = await this.#db.recommendations.watch(models, (seen) => lookAt(seen, known, Date.now()));
      for (const id of result?.recovered ?? []) await this.#wake(id);
      hasMore = result?.hasMore ?? false;
    }
    this.#lookedAt = performance.now();
  }

  async #begin({ id, model, asset, n }: UnstartedRecommendation): Promise<void> {
    const input: RecommendationInput = { id, model, asset };
    try {
      await this.#call(() =>
        this.#client.workflow.start("recommendationWorkflow", {
          workflowId: recommendationWorkflowId(id),
          taskQueue: TASK_QUEUES.control,
          args: [input],
          workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
          staticSummary: `Maintenance of ${asset} (${model}, ${n})`.slice(0, 190),
        }),
      );
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    await this.#db.recommendations.started(id);
  }

  /** It looks by itself as well, only later. */
  async #wake(id: string): Promise<void> {
    try {
      const handle = this.#client.workflow.getHandle(recommendationWorkflowId(id));
      await this.#call(() => handle.signal("wake"));
    } catch (err) {
      if (!(err instanceof WorkflowNotFoundError))
        this.#log.debug({ err, id }, "a recommendation could not be woken");
    }
  }

  /** A server that hangs must not hold up the next look. */
  async #call(work: () => Promise<unknown>): Promise<void> {
    const { connection } = this.#client;
    const answer = connection.withDeadline(Date.now() + CALL_MS, work);
    endContextTracking(connection as Connection);
    await answer;
  }
}
