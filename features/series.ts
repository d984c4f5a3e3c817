import type { FittedState } from "../schemas/data/feature-set.ts";
import type { FeatureView } from "./feature-view.ts";
import { cleanNumber } from "./clean-number.ts";
import { RowBuilder } from "./online.ts";
import type { AssetContext, LiveReading } from "./online.ts";
import type { Series, StateRow } from "./operators/operator.ts";
import { OPERATORS } from "./operators/table.ts";

/**
 * The reference executor: every feature of a whole series of one asset, by the plain definitions. Slow on purpose;
 * the property tests and the docs hold the other two to it.
 *
 * @param readings in order of time
 * @returns one Float64Array per feature of the view, NaN = missing
 */
export function referenceFeatures(
  view: FeatureView,
  fitted: FittedState,
  asset: { readonly readings: readonly LiveReading[]; readonly context?: AssetContext },
): Float64Array[] {
  const { readings, context = {} } = asset;
  const builder = new RowBuilder(view, fitted);
  const features = readings.map(() => new Float64Array(view.features.length).fill(Number.NaN));
  const rows = readings.map((reading, i) =>
    builder.next(reading, context, features[i] ?? new Float64Array(0)),
  );
  const series: Series = {
    nRows: rows.length,
    t: Float64Array.from(rows, (row) => row.t),
    row: (index) => rows[index] as StateRow,
    numbers: (column) => Float64Array.from(rows, (row) => row.number(column)),
  };
  return view.features.map(({ operator, args, name }, i) => {
    const values = OPERATORS[operator].reference(args, series, name).map(cleanNumber);
    values.forEach((value, row) => features[row]?.fill(value, i, i + 1));
    return values;
  });
}
