/**
 * Months that readings lie in, as partitions go by them: days since 2000-01-01 of the first day, as PostgreSQL counts dates.
 */
const DAY_MS = 86_400_000;
const YEAR_2000 = Date.UTC(2000, 0, 1);

/** The month of a moment, in ms since 1970. */
export function monthOf(ms: number): number {
  const date = new Date(ms);
  return (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) - YEAR_2000) / DAY_MS;
}

/** Months of moments. Those of one day come together: the calendar is asked once for each. */
export function monthsOf(moments: readonly number[]): number[] {
  let lastDay = NaN;
  let month = NaN;
  return moments.map((ms) => {
    const day = Math.floor(ms / DAY_MS);
    if (day !== lastDay) {
      month = monthOf(ms);
      lastDay = day;
    }
    return month;
  });
}

/** Its first day, as ISO 8601. */
export const firstDayOf = (month: number): string =>
  new Date(YEAR_2000 + month * DAY_MS).toISOString().slice(0, 10);
