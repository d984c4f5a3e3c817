import { defineSearchAttributeKey } from "@temporalio/common";
import { workflowInfo } from "@temporalio/workflow";

/** The schedule's own time where a schedule started this, so that a late or retried one is about the same time; ISO 8601. */
export function logicalTime(): string {
  const key = defineSearchAttributeKey("TemporalScheduledStartTime", "DATETIME");
  const scheduled = workflowInfo().typedSearchAttributes.get(key);
  return (scheduled ?? workflowInfo().startTime).toISOString();
}
