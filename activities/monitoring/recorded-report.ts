import { z } from "zod";
import type { Confirmation, WindowVerdict } from "../../numerics/drift/confirmation.ts";
import { driftedNames } from "../../numerics/drift/verdict.ts";
import type { DriftReport, FeatureDrift } from "../../numerics/drift/verdict.ts";
import type { ObjectRef } from "../../schemas/object-ref.ts";
import type { DriftReportRow } from "../../stores/postgres/port.ts";

/** What is recorded of a check: the verdict, how it stands with the windows before, and the page for people. */
export interface RecordedReport extends DriftReport {
  readonly confirmation: Confirmation;
  readonly page: ObjectRef;
}

/** Columns whose bins are kept and drawn: the worst ones. */
export const MAX_DRAWN_COLUMNS = 60;

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

/** Columns by what people should look at first: drift before ok, the surest first, among equals the largest effect. */
export function worstFirst(features: readonly FeatureDrift[]): FeatureDrift[] {
  const isDrift = ({ state }: FeatureDrift) => (state === "drift" ? 0 : 1);
  return features.toSorted(
    (a, b) => isDrift(a) - isDrift(b) || a.q - b.q || b.effect - a.effect || (a.name < b.name ? -1 : 1),
  );
}

/** The report without the bins of all but the worst columns, so that a row stays small whatever the data. */
export function withoutMinorBins(report: DriftReport): DriftReport {
  const drawn = new Set(
    worstFirst(report.features)
      .slice(0, MAX_DRAWN_COLUMNS)
      .map(({ name }) => name),
  );
  return {
    ...report,
    features: report.features.map((feature) =>
      drawn.has(feature.name) ? feature : { ...feature, shares: null },
    ),
  };
}
