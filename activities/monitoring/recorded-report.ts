import { z } from "zod";
import type { Confirmation, WindowVerdict } from "../../numerics/drift/confirmation.ts";
import { driftedNames } from "../../numerics/drift/verdict.ts";
import type { DriftReport } from "../../numerics/drift/verdict.ts";
import type { DriftReportRow } from "../../stores/postgres/port.ts";

/** What is recorded of a check: the verdict, and how it stands with the windows before. */
export interface RecordedReport extends DriftReport {
  readonly confirmation: Confirmation;
}

/** What of a report on record a later check needs, whatever release wrote it. */
const earlierSchema = z.object({
  features: z.array(z.object({ name: z.string(), state: z.string() })),
  reconstruction: z.object({ state: z.string() }).optional(),
});

/** A report on record as the windows after it see it; of another form it confirms nothing. */
export function verdictOf(row: Pick<DriftReportRow, "state" | "report">): WindowVerdict {
  const { data } = earlierSchema.safeParse(row.report);
  if (data === undefined) return { state: row.state, drifted: [] };
  const { features, reconstruction = { state: "not_available" } } = data;
  return { state: row.state, drifted: driftedNames({ features, reconstruction }) };
}
