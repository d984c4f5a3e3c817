import type { FeaturesRefreshInput, FeaturesRefreshResult } from "../../activities/online/messages.ts";
import { online } from "../activity-proxies.ts";
import { show } from "../visibility.ts";

/**
 * Brings features and scores of live readings up to date where following them does not: after a promotion, for assets that
 * send nothing now; after a time without a scorer; or, asked for, for every asset.
 *
 * **Messages**: none. **Continue-as-new**: none. **Versioning**: patched().
 */
export async function featuresRefreshWorkflow(input: FeaturesRefreshInput): Promise<FeaturesRefreshResult> {
  show({ stage: "features" }, "Bringing features of live readings up to date");
  const result = await online.refreshFeatures(input);
  const { scorers, models, assets } = result;
  show(
    {},
    `**${scorers}** scorers computed the features of **${assets}** assets anew, for **${models}** models`,
  );
  return result;
}
