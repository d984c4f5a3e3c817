/** Bins of equal width that a column is drawn in: the middle 99 % of its training values. */
export interface PlotBins {
  readonly low: number;
  readonly high: number;
  /** rows per bin; values beyond the ends are in the outer ones */
  readonly counts: readonly number[];
}

/** Bins drawn per column. */
export const N_PLOT_BINS = 30;

/** Inner edges of the bins, ascending; they may repeat where the range is no wider than rounding. */
export function plotEdges({ low, high }: Pick<PlotBins, "low" | "high">): number[] {
  let previous = -Infinity;
  return Array.from({ length: N_PLOT_BINS - 1 }, (_, i) => {
    const share = (i + 1) / N_PLOT_BINS;
    // Weighing both ends keeps a range of more than the largest double finite.
    previous = Math.max(previous, low * (1 - share) + high * share + 0);
    return previous;
  });
}
