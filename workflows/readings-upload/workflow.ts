import type { ReadingsUploadInput, ReadingsUploadResult } from "../../activities/readings/messages.ts";
import { readings } from "../activity-proxies.ts";
import { show } from "../visibility.ts";

/**
 * Takes the readings of an uploaded file in, as if they had been sent.
 *
 * **Messages**: none. **Continue-as-new**: none; the activity goes on where its last attempt ended. **Versioning**: patched().
 */
export async function readingsUploadWorkflow(input: ReadingsUploadInput): Promise<ReadingsUploadResult> {
  show({ stage: "readings" }, `Reading upload ${input.id}`);
  const result = await readings.takeUploadedReadings(input);
  show({}, `Upload ${input.id}: **${result.stored}** of ${result.received} readings stored`);
  return result;
}
