import type { ActivityDeps } from "../dependencies.ts";

export interface CloseReviewInput {
  readonly reviewId: string;
  readonly model: string;
  readonly subject: string;
  readonly outcome: "approved" | "rejected" | "expired";
  readonly decidedBy: readonly string[];
}

const ALERT_KIND = "break_glass";

/** What comes of the review of a rollback that nobody approved. */
export function createReviewActivities({ db }: Pick<ActivityDeps, "db">) {
  return {
    /**
     * **Effects**: the alert on the rollback is over where it was found right; else another one says that it was not, or that
     * nobody looked. **Idempotency**: the alert's key. **Retry**: dependency.
     */
    async closeReview(input: CloseReviewInput): Promise<void> {
      const { reviewId, model, subject, outcome, decidedBy } = input;
      if (outcome === "approved") return db.alerts.resolve(ALERT_KIND, `model/${model}`);
      await db.alerts.raise({
        key: `${ALERT_KIND}/${reviewId}/${outcome}`,
        kind: ALERT_KIND,
        severity: "critical",
        subject: `model/${model}`,
        message:
          outcome === "expired"
            ? `nobody reviewed the ${subject} in time`
            : `${decidedBy.join(", ")} found the ${subject} wrong`,
        details: { review: reviewId },
      });
    },
  };
}
