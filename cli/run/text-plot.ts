/** Points of one kind in a plot of characters. */
export interface PlotSeries {
  /** One character. */
  readonly mark: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface PlotOptions {
  readonly width: number;
  readonly height: number;
  readonly xTitle: string;
  readonly numberText: (value: number) => string;
}

/**
 * Draws points in a frame of characters; where two meet, the later series shows.
 *
 * @returns lines, the top first; none where there is nothing to draw
 */
export function textPlot(series: readonly PlotSeries[], options: PlotOptions): string[] {
  const { width, height, xTitle, numberText } = options;
  const points = series.flatMap((one) => one.points).filter(([, y]) => Number.isFinite(y));
  if (points.length === 0) return [];
  const [left, right] = boundsOf(points.map(([x]) => x));
  const [low, high] = boundsOf(points.map(([, y]) => y));
  const rows = Array.from({ length: height }, () => Array.from({ length: width }, () => " "));
  for (const { mark, points: own } of series) {
    for (const [x, y] of own) {
      if (!Number.isFinite(y)) continue;
      const column = placeOf(x, { low: left, high: right, nPlaces: width });
      const row = rows[height - 1 - placeOf(y, { low, high, nPlaces: height })];
      if (row !== undefined) row[column] = mark;
    }
  }
  const titles = rows.map((_, row) =>
    row === 0 ? numberText(high) : row === height - 1 ? numberText(low) : "",
  );
  const margin = Math.max(...titles.map((title) => title.length));
  const [from, to] = [numberText(left), `${xTitle} ${numberText(right)}`];
  return [
    ...rows.map((row, at) => `${(titles[at] ?? "").padStart(margin)} ┤${row.join("").trimEnd()}`),
    `${" ".repeat(margin)} └${"─".repeat(width)}`,
    `${" ".repeat(margin + 2)}${from}${to.padStart(width - from.length)}`,
  ];
}

function boundsOf(values: readonly number[]): [low: number, high: number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
}

function placeOf(
  value: number,
  { low, high, nPlaces }: { readonly low: number; readonly high: number; readonly nPlaces: number },
): number {
  return high > low ? Math.min(nPlaces - 1, Math.floor(((value - low) / (high - low)) * nPlaces)) : 0;
}
