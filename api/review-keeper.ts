import type { Logger } from "pino";
import { putDocument } from "../stores/objects/documents.ts";
import type { ObjectStore } from "../stores/objects/port.ts";
import type { ApprovalStore, ListedApproval } from "../stores/postgres/port.ts";
import type { WorkflowGateway } from "./workflow-gateway.ts";

export interface ReviewKeeperOptions {
  readonly approvals: () => Pick<ApprovalStore, "list" | "get">;
  /** Resolves once `approvals` can be asked. */
  readonly connected: Promise<void>;
  readonly objects: ObjectStore;
  readonly workflows: Pick<WorkflowGateway, "startReview">;
  readonly logger: Logger;
}

const EVERY_MS = 60_000;
const MOST = 1_000;
/** Somebody who has not looked is reminded as often. */
const REMINDER_MS = 24 * 3_600_000;

/**
 * Sees to it that every review that waits has its workflow, which tells when nobody looks in time. A rollback that breaks the glass needs
 * PostgreSQL alone: what it owes is in the review's row, and is made good as soon as Temporal and the objects are there.
 */
export class ReviewKeeper {
  readonly #options: ReviewKeeperOptions;
  readonly #started = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: ReviewKeeperOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), EVERY_MS).unref();
    void options.connected.then(() => this.look());
  }

  /** Looks for reviews without a workflow. Never throws; what is away is asked again. */
  look(): void {
    if (this.#isClosed) return;
    const looking = (this.#looking ?? Promise.resolve())
      .then(() => this.#look())
      .catch((err: unknown) =>
        this.#options.logger.debug({ err }, "reviews wait for what is away; it is tried again"),
      );
    this.#looking = looking;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const waiting = await this.#options.approvals().list({ state: "waiting", limit: MOST });
    for (const review of waiting)
      if (review.kind === "review" && !this.#started.has(review.id)) await this.#start(review);
  }

  async #start(review: ListedApproval): Promise<void> {
    const { approvals, objects, workflows } = this.#options;
    const { id, kind: _kind, deadline, ...asked } = review;
    const evidence = await putDocument(objects, (await approvals().get(id))?.evidence ?? {});
    const { subject, model, version, digest, requestedBy, requesterAuthenticated, policy } = asked;
    await workflows.startReview({
      approvalId: id,
      kind: "review",
      subject,
      model,
      version,
      digest,
      requestedBy,
      requesterAuthenticated,
      policy,
      deadlineMs: Math.max(1, Date.parse(deadline) - Date.now()),
      reminderMs: REMINDER_MS,
      evidence,
    });
    this.#started.add(id);
  }
}
