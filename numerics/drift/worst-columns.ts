import type { DriftReport } from "./verdict.ts";

/** Columns whose bins are kept and drawn: the worst ones. */
export const MAX_DRAWN_COLUMNS = 60;

/** Columns by what people should look at first: drift before ok, the surest first, among equals the largest effect. */
export function worstFirst<
  T extends { readonly name: string; readonly state: string; readonly q: number; readonly effect: number },
>(features: readonly T[]): T[] {
  const rank = ({ state }: T) => (state === "drift" ? 0 : 1);
  return features.toSorted(
    (a, b) => rank(a) - rank(b) || a.q - b.q || b.effect - a.effect || (a.name < b.name ? -1 : 1),
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
