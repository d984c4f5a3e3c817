import { targetColumns } from "../../features/labels/forecast.ts";
import type { FeatureView } from "../../features/feature-view.ts";
import { HOUR_US } from "../../features/labels/label-plan.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { DuckDb } from "../../stores/duckdb/duckdb.ts";

/**
 * Every horizon of a forecast must be known of some reading: else the series are shorter than it, or none of their readings
 * lies near it. And the column must change, as there is nothing to forecast else.
 *
 * @param from  table expression over the parts of the feature set
 * @throws {PlatformError} not_enough_data naming the horizon and how far apart readings are, or the column and its value
 */
export async function requireHorizons(
  duckdb: Pick<DuckDb, "query">,
  view: Pick<FeatureView, "label" | "timeKind">,
  from: string,
): Promise<void> {
  const { label, timeKind } = view;
  if (label.kind !== "forecast") return;
  const counts = targetColumns(label.horizons.length).targets.map((name) => `count(${name}) AS ${name}`);
  const steps = `(SELECT __t - lag(__t) OVER (PARTITION BY __asset ORDER BY __t) AS step FROM ${from})`;
  const [row] = await duckdb.query(
    `SELECT ${counts.join(", ")}, min(__y) AS least, max(__y) AS most, (SELECT quantile_disc(step, 0.5) FROM ${steps})::DOUBLE AS step FROM ${from}`,
  );
  const empty = label.horizons.findIndex((_, h) => Number(row?.[`__target${h}`] ?? 0) === 0);
  const horizon = label.horizons[empty];
  if (horizon === undefined) return requireChange(label.column, row ?? {});
  const text = (span: number) =>
    timeKind === "timestamp" ? `${Number((span / HOUR_US).toPrecision(4))} h` : `${span} cycles`;
  const step =
    row?.["step"] == null ? "no asset has two readings" : `readings are ${text(Number(row["step"]))} apart`;
  throw new PlatformError(
    "not_enough_data",
    `forecast ${label.column}: expected readings with a value ${text(horizon.span)} after others, within ${text(horizon.tolerance)}, found none (${step}); choose nearer horizons, a wider tolerance or longer series`,
    {
      locations: [
        { field: "task.horizons", expected: "a horizon within the series", found: text(horizon.span) },
      ],
    },
  );
}

function requireChange(column: string, { least, most }: Readonly<Record<string, unknown>>): void {
  if (least !== most) return;
  throw new PlatformError(
    "not_enough_data",
    `forecast ${column}: expected a column that changes, found ${String(least)} at every reading`,
    { locations: [{ field: "task.column", expected: "a column that changes", found: String(least) }] },
  );
}
