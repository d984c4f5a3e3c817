import type {
  HousekeepingInput,
  HousekeepingResult,
  RemovableDataset,
} from "../../activities/housekeeping/messages.ts";
import { patched } from "@temporalio/workflow";
import { housekeeping } from "../activity-proxies.ts";
import { show } from "../visibility.ts";

/**
 * What goes away by itself: replies kept for repeated requests, alerts that have long been over, old
 * reports of drift and performance, and, where that is asked for, datasets past their retention that no model version, holdout or open run needs.
 *
 * Objects are deleted in a step of their own, which also finishes what an earlier run was stopped at.
 *
 * **Messages**: none. **Continue-as-new**: none; at most 100 datasets a run. **Versioning**: patched().
 */
export async function housekeepingWorkflow(input: HousekeepingInput): Promise<HousekeepingResult> {
  show({ stage: "housekeeping" }, "Forgetting what is past its time");
  const { replies } = await housekeeping.expireReplies();
  // Since release 0.1 alerts end as well; to be removed once no history is without it.
  const { alerts } = patched("expire-alerts") ? await housekeeping.expireAlerts() : { alerts: 0 };
  const { reports } = patched("expire-reports") ? await housekeeping.expireReports() : { reports: 0 };
  const { datasets } = await housekeeping.listExpiredDatasets();
  let removedDatasets = 0;
  for (const dataset of input.removeDatasets ? datasets : []) {
    const { isRemoved } = await housekeeping.removeDataset.executeWithOptions(
      { summary: summaryOf(dataset) },
      [dataset],
    );
    if (isRemoved) removedDatasets += 1;
  }
  const { objects } = await housekeeping.removeObjects();
  const result = {
    replies,
    alerts,
    reports,
    expiredDatasets: datasets.length,
    removedDatasets,
    removedObjects: objects,
  };
  show({}, detailsOf(result, input));
  return result;
}

function summaryOf({ id, pipeline, owner, retention }: RemovableDataset): string {
  return `Dataset ${id.slice(0, 12)} of ${pipeline}, owned by ${owner}, past ${retention}`.slice(0, 190);
}

function detailsOf(result: HousekeepingResult, { removeDatasets }: HousekeepingInput): string {
  const datasets = removeDatasets
    ? `removed **${result.removedDatasets}** of ${result.expiredDatasets} datasets past their retention`
    : `found **${result.expiredDatasets}** datasets past their retention, which are removed on request only`;
  return `Forgot **${result.replies}** replies, **${result.alerts}** alerts and **${result.reports}** reports; ${datasets}; deleted **${result.removedObjects}** objects`;
}
