import { WorkflowIdReusePolicy } from "@temporalio/client";
import { systemAudit } from "../activities/audit.ts";
import { endRecommendation } from "../activities/maintenance/end-recommendation.ts";
import type { Database } from "../stores/postgres/port.ts";
import type { FollowedRecommendation } from "../stores/postgres/port/maintenance.ts";
import { recommendationWorkflowId } from "../temporal-config/constants.ts";
import { GONE } from "./server-calls.ts";
import type { ServerCalls } from "./server-calls.ts";
import { startRecommendation } from "./start-recommendation.ts";

/** Asked about at once; the next look goes on after them. */
const LOOKED_AT = 100;

type Looked = Pick<Database, "recommendations" | "alerts" | "audit">;

/**
 * Recommendations whose workflow is over or gone although they have not ended: terminated or timed out, or lost with the
 * server's data. Their rows would stay open, and no recommendation for the asset would be opened any more.
 *
 * One without a work order ends, as `cancelled` or `failed`. One with an order is followed again, by a new run of its workflow:
 * the order is out, and what is said of it must become a label.
 */
export class LostRecommendations {
  readonly #db: Looked;
  readonly #server: ServerCalls;
  #after: string | undefined;

  constructor(db: Looked, server: ServerCalls) {
    this.#db = db;
    this.#server = server;
  }

  /** Looks at the next ones, and after the last at the first again. */
  async look(): Promise<void> {
    const rows = await this.#db.recommendations.followed({
      limit: LOOKED_AT,
      ...(this.#after === undefined ? {} : { after: this.#after }),
    });
    this.#after = rows.length < LOOKED_AT ? undefined : rows.at(-1)?.id;
    for (const row of rows) {
      const found = await this.#server.statusOf(recommendationWorkflowId(row.id));
      if (found !== "RUNNING") await this.#mend(row, found);
    }
  }

  async #mend({ id, model, asset, n }: FollowedRecommendation, found: string): Promise<void> {
    // It may have ended between the two looks, or come to an order.
    const standing = await this.#db.recommendations.get(id);
    if (standing === undefined || standing.closedAt !== null) return;
    const { workOrderId } = standing;
    if (workOrderId === null) {
      const state = found === "CANCELLED" ? "cancelled" : "failed";
      return endRecommendation(this.#db, { id, state, decidedBy: [], reason: REASONS[found] ?? OVER });
    }
    const isResumed = await this.#server.call((client) =>
      startRecommendation(client, {
        input: { id, model, asset, workOrderId },
        n,
        reuse: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      }),
    );
    if (!isResumed) return;
    const details = { workOrderId, found: found.toLowerCase() };
    await this.#db.audit.append(systemAudit("recommendation.resume", `recommendation/${id}`, details));
  }
}

const OVER = "its workflow is over and has not said how it ended";
const REASONS: Readonly<Record<string, string>> = {
  CANCELLED: "its workflow was cancelled",
  TERMINATED: "its workflow was terminated",
  FAILED: "its workflow failed",
  TIMED_OUT: "its workflow timed out",
  [GONE]: "its workflow is gone",
};
