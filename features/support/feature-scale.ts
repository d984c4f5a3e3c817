import { formulaNames, parseFormula } from "../expression/parser.ts";
import type { FeatureView } from "../feature-view.ts";
import { windowStart } from "../windows/window-span.ts";
import type { WindowSpan } from "../windows/window-span.ts";

type Feature = FeatureView["features"][number];

/** A series of one asset up to the reading that a feature is of. */
export interface ScaledSeries {
  readonly view: FeatureView;
  /** Times of its readings. */
  readonly t: ArrayLike<number>;
  /** Place of the reading. */
  readonly at: number;
  /** Values of a column. */
  readonly of: (column: string) => ArrayLike<number>;
}

interface ScaledArgs {
  readonly column?: string;
  readonly stat?: string;
  readonly window?: WindowSpan;
  readonly over?: number | "life";
  readonly halfLife?: number;
  readonly formula?: string;
}

const HOUR_US = 3_600_000_000;
/** What logarithms and roots of two libraries differ by, as a share of 1e-9. */
const LIBRARIES = 1e-5;

/**
 * What 1e-9 is a share of: the size of the values that a feature is made of where it is one of them or their mean, and
 * their spread where it is made of differences; of those in the window alone, whatever the series was before. So a std of 1e-3 on an
 * offset of 1e6 has to be right to 1e-12, also where the series began with a sentinel or at another level.
 */
export function scaleOf(feature: Feature, series: ScaledSeries, expected: number): number {
  const args = feature.args as ScaledArgs;
  if (feature.operator === "correlation") return 1;
  if (args.formula !== undefined) return expressionScale(args.formula, series, expected);
  const { column } = args;
  if (column === undefined) return Math.max(1, Math.abs(expected));
  const seen = seenValues(args, series, column);
  const values = seen.map(({ value }) => value);
  const size = Math.max(0, ...values.map(Math.abs));
  const spread = values.length === 0 ? 0 : Math.max(...values) - Math.min(...values);
  const isDerived = series.view.derived.some(({ name }) => name === column);
  const fromInput = isDerived ? LIBRARIES * Math.max(1, size) : 0;
  if (args.stat === "sum") return values.length * Math.max(size, fromInput);
  if (args.stat === "slope") {
    const x = seen.map((one) => one.x);
    return (spread + fromInput) / (Math.max(...x) - Math.min(...x));
  }
  const isOfDifferences = args.stat === "std" || feature.operator === "baseline";
  return isOfDifferences ? spread + fromInput : Math.max(size, Math.abs(expected), isDerived ? 1 : 0);
}

/** Values in the window, with their place in rows or hours; the older the less of an exponential mean. */
function seenValues(args: ScaledArgs, { t, at, of }: ScaledSeries, column: string) {
  const all = of(column);
  const { window, over, halfLife } = args;
  const start = window === undefined ? 0 : windowStart(window, at, t);
  const isTime = window !== undefined && "us" in window;
  let newest = at;
  while (newest > start && Number.isNaN(all[newest])) newest--;
  return Array.from({ length: at - start + 1 }, (_, k) => start + k)
    .filter((i) => typeof over !== "number" || i < over || i === at)
    .map((i) => {
      const share = halfLife === undefined ? 1 : 2 ** ((i - newest) / halfLife);
      return {
        value: (all[i] ?? Number.NaN) * share,
        x: isTime ? ((t[i] ?? 0) - (t[start] ?? 0)) / HOUR_US : i,
      };
    })
    .filter(({ value }) => !Number.isNaN(value));
}

/** That of the features it is made of. */
function expressionScale(formula: string, series: ScaledSeries, expected: number): number {
  const names = formulaNames(parseFormula(formula));
  const scales = series.view.features
    .filter(({ name }) => names.includes(name))
    .map((feature) => scaleOf(feature, series, 0));
  return Math.max(1, Math.abs(expected), ...scales.map((scale) => 4 * scale));
}
