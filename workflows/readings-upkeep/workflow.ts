import type { ReadingsUpkeepInput, ReadingsUpkeepResult } from "../../activities/readings/messages.ts";
import { readings } from "../activity-proxies.ts";
import { show } from "../visibility.ts";

/**
 * What is done with readings that are stored: partitions made ahead, hours aggregated, the archive, and what is past its
 * retention removed once it is archived.
 *
 * **Messages**: none. **Continue-as-new**: none; activities go on where the last run ended. **Versioning**: patched().
 */
export async function readingsUpkeepWorkflow(input: ReadingsUpkeepInput): Promise<ReadingsUpkeepResult> {
  show({ stage: "readings" }, "Preparing months, aggregating and archiving readings");
  await readings.prepareReadingMonths();
  const { buckets } = await readings.aggregateReadings();
  const archived = await readings.archiveReadings({ isNow: input.archiveNow ?? false });
  const expired = await readings.expireReadings();
  const result = { buckets, archivedRows: archived.rows, expiredRows: expired.rows };
  show(
    {},
    `Aggregated **${buckets}** hours of columns; archived **${archived.rows}** readings; removed **${expired.rows}** past their retention`,
  );
  return result;
}
