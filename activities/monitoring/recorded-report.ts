import { z } from "zod";
import type { Confirmation } from "../../numerics/drift/confirmation.ts";
import { driftedNames } from "../../numerics/drift/verdict.ts";
import type { DriftReport } from "../../numerics/drift/verdict.ts";
import type { DriftReportRow } from "../../stores/postgres/port.ts";

const seenSchema = z.object({
  /** Rows up to here have said what they have to say; ISO 8601. */
  end: z.string(),
  /** Names of what drifted, by window that counted, newest first; no row is in two of them. */
  windows: z.array(z.array(z.string())).min(1),
});
/** Drift that was found and may be confirmed by rows that come later. */
export type SeenDrift = z.infer<typeof seenSchema>;

export interface RecordedConfirmation extends Confirmation {
  /** Rows that the checks before have not seen. */
  readonly nFreshRows?: number;
  /** Absent: nothing is left to confirm. */
  readonly seen?: SeenDrift;
}

/** What is recorded of a check: the verdict, and how it stands with the windows before. */
export interface RecordedReport extends DriftReport {
  readonly confirmation: RecordedConfirmation;
}

/** What of a report on record a later check needs. */
const recordedSchema = z.object({ confirmation: z.object({ seen: seenSchema.optional() }) });

/** What a release that did not record it would have seen. */
const earlierSchema = z.object({
  features: z.array(z.object({ name: z.string(), state: z.string() })),
  reconstruction: z.object({ state: z.string() }).optional(),
  confirmation: z.object({ stage: z.string(), nFreshRows: z.undefined().optional() }).optional(),
});

/** The drift that a report on record stands at, whatever release wrote it; of another form it confirms nothing. */
export function seenOf({
  state,
  windowEnd,
  report,
}: Pick<DriftReportRow, "state" | "windowEnd" | "report">): SeenDrift | undefined {
  if (state !== "drift") return undefined;
  const recorded = recordedSchema.safeParse(report).data?.confirmation.seen;
  if (recorded !== undefined) return recorded;
  const earlier = earlierSchema.safeParse(report).data;
  if (earlier === undefined) return undefined;
  const { features, reconstruction = { state: "not_available" } } = earlier;
  return { end: windowEnd, windows: [driftedNames({ features, reconstruction })] };
}
