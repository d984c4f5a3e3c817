import type { CompareDataInput, CompareDataResult } from "../../activities/comparison/messages.ts";
import { comparison } from "../activity-proxies.ts";
import { show } from "../visibility.ts";

/**
 * Two versions of data beside each other. A workflow and not a request: gigabytes take minutes, and whoever asks again
 * finds the answer.
 *
 * **Messages**: none. **Idempotency**: the workflow id names both sides. **Versioning**: patched().
 */
export async function compareDataWorkflow(input: CompareDataInput): Promise<CompareDataResult> {
  const { kind, a, b } = input;
  show({ stage: "compare", dataset: b.slice(0, 16) }, `Comparing ${kind} \`${a}\` with \`${b}\``);
  return comparison.compareData(input);
}
