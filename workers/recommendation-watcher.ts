import { WorkflowIdReusePolicy, WorkflowNotFoundError } from "@temporalio/client";
import type { Client } from "@temporalio/client";
import type { Logger } from "pino";
import { lookAt } from "../activities/maintenance/look.ts";
import type { MaintainedPipeline } from "../activities/maintenance/answers.ts";
import { MaintenancePolicies } from "../activities/maintenance/policies.ts";
import type { Database } from "../stores/postgres/port.ts";
import type { UnstartedRecommendation } from "../stores/postgres/port/maintenance.ts";
import { WokenLoop } from "../stores/postgres/woken-loop.ts";
import { recommendationWorkflowId } from "../temporal-config/constants.ts";
import { LostRecommendations } from "./lost-recommendations.ts";
import { ServerCalls } from "./server-calls.ts";
import { startRecommendation } from "./start-recommendation.ts";

const LOOK_EVERY_MS = 1_000;
/** Pipelines are read again this often. */
const POLICIES_EVERY_MS = 5_000;
/** Where no model has a policy, answers are only marked as seen. */
const IDLE_EVERY_MS = 30_000;
/** Lost ones are looked for this often. */
const LOST_EVERY_MS = 15_000;
const STARTED_AT_ONCE = 50;

type Watched = Pick<Database, "recommendations" | "registry" | "runs" | "alerts" | "audit">;

/**
 * Looks at each new answer of the champions, opens recommendations in the transaction that moves its position, and starts their
 * workflows: a start that was lost is made up for by the next look, and one that is made again changes nothing. Of several
 * workers one looks at a time. Those whose workflow is gone are mended as well (`LostRecommendations`).
 */
export class RecommendationWatcher {
  readonly #db: Watched;
  readonly #server: ServerCalls;
  readonly #log: Logger;
  readonly #policies: MaintenancePolicies;
  readonly #loop = new WokenLoop(() => this.#work());
  #known: ReadonlyMap<string, MaintainedPipeline> = new Map();
  #knownAt = -Infinity;
  #lookedAt = -Infinity;
  readonly #lost: LostRecommendations;
  #lostAt = -Infinity;

  constructor(db: Watched, client: Client, log: Logger) {
    this.#db = db;
    this.#server = new ServerCalls(client);
    this.#log = log;
    this.#policies = new MaintenancePolicies(db);
    this.#lost = new LostRecommendations(db, this.#server);
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
      if (performance.now() - this.#lostAt > LOST_EVERY_MS) {
        await this.#lost.look();
        this.#lostAt = performance.now();
      }
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
    const reuse = WorkflowIdReusePolicy.REJECT_DUPLICATE;
    await this.#server.call((client) =>
      startRecommendation(client, { input: { id, model, asset }, n, reuse }),
    );
    await this.#db.recommendations.started(id);
  }

  /** It looks by itself as well, only later. */
  async #wake(id: string): Promise<void> {
    try {
      const workflowId = recommendationWorkflowId(id);
      await this.#server.call(({ workflow }) => workflow.getHandle(workflowId).signal("wake"));
    } catch (err) {
      if (!(err instanceof WorkflowNotFoundError))
        this.#log.debug({ err, id }, "a recommendation could not be woken");
    }
  }
}
