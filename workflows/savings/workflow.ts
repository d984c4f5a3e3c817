import type { SimulateSavingsInput } from "../../activities/maintenance/savings/activities.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import { savings } from "../activity-proxies.ts";
import { show } from "../visibility.ts";

/**
 * What maintenance by a version would have cost. A workflow and not a request: features and answers of a holdout take minutes,
 * and whoever asks later finds the answer.
 *
 * **Messages**: none. **Idempotency**: the workflow id names the version; asked again it is simulated anew, by the present policy. **Versioning**: patched().
 */
export async function savingsWorkflow(input: SimulateSavingsInput): Promise<{ readonly savings: ObjectRef }> {
  const { model, version } = input;
  show(
    { stage: "savings", model, version: String(version) },
    `Simulating savings of **${model}@${version}**`,
  );
  return savings.simulateSavings(input);
}
